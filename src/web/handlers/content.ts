// Bodies: their bytes, decoded or as they passed, another body in their place, and what a view makes of them.
import { type AnyFlow, exportFlow, type HttpRequest, type HttpResponse } from '../../index.js'
import type { flows } from '../api/tables/flows.js'
import type { BytesAnswer, Handlers } from '../server/call.js'
import { ApiError, conflict } from '../server/failure.js'
import { answerOf, flowOf, partOf, shownFlow } from './found.js'
import { rendered } from './rendered.js'

type Table = Pick<typeof flows, 'getContent' | 'setContent' | 'viewContent' | 'exportFlow'>

/** Bytes of a body that is set. */
const MAX_BODY = 64 << 20

export const contentHandlers: Handlers<Table> = {
  getContent(call) {
    const { id, part, decoded = true } = call.input
    const message = partOf(shownFlow(call, id), part)
    return recordedBytes(decoded ? message.decodedContent : message.content, message, nameOf(message, part, id))
  },
  async setContent(call) {
    const { id, part } = call.input
    partOf(flowOf(call, id), part)
    const content = await limited(call.bytes, MAX_BODY)
    return answerOf(
      call,
      call.proxy.edit(flowOf(call, id).id, (flow) => {
        partOf(flow, part).decodedContent = content
      }),
    )
  },
  viewContent(call) {
    const { id, part, ...query } = call.input
    const flow = shownFlow(call, id)
    const message = partOf(flow, part)
    const content = message.decodedContent
    return rendered(call, content, query, {
      contentType: message.headers.get('content-type'),
      path: flow.type === 'http' ? flow.request.path : undefined,
      fromClient: part === 'request',
      flow,
      note: message.decodeError,
    })
  },
  exportFlow(call) {
    const { id, format } = call.input
    const flow: AnyFlow = shownFlow(call, id)
    if (flow.type !== 'http')
      throw conflict(`this is a flow of ${flow.type.toUpperCase()}, and only HTTP is exported so`)
    const content = exportFlow(format, flow)
    const isText = typeof content === 'string'
    return {
      type: isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      content,
      recorded: true,
      name: `${id.slice(0, 8)}.${format === 'fetch' ? 'js' : format === 'python-requests' ? 'py' : isText ? 'sh' : 'http'}`,
    }
  },
}

/** Pictures that a page may show; nothing in them can run. All else is bytes. */
const PICTURES = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/x-icon',
])

export function recordedBytes(
  content: Buffer,
  message: HttpRequest | HttpResponse | undefined,
  name: string,
): BytesAnswer {
  const type = message?.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  return { type: PICTURES.has(type) ? type : 'application/octet-stream', content, recorded: true, name }
}

/** The last part of the path, as far as it is a name. */
function nameOf(message: HttpRequest | HttpResponse, part: string, id: string): string {
  const fallback = `${part}-${id.slice(0, 8)}`
  const path = 'path' in message ? message.path : ''
  const [, last = ''] = /([^/?#]{1,100})(?:[?#].*)?$/.exec(path) ?? []
  return /^[\w.-]+$/.test(last) && !/^\.+$/.test(last) ? last : fallback
}

async function limited(bytes: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of bytes) {
    length += piece.length
    if (length > most) throw new ApiError(413, 'ERR_INPUT', `the body is longer than ${most >> 20} MiB`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
