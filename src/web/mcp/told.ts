// Flows as a model reads them: few words, and bodies as views show them, up to a length.

import type { Flow, Message } from '../api/schemas/flow.js'
import type { Row } from '../api/schemas/row.js'
import type { MidwireApi } from '../client/client.js'

/** Characters of a body that are told where a tool is not asked for more, and at most. */
export const BODY = 10_000
export const MAX_BODY = 200_000

/** Lines of a body: more than it can have characters. */
const LINES = 200_000

/** A row without what is empty. */
export function toldRow({ id, type, websocket, method, scheme, host, port, path, ...rest }: Row): object {
  const isHttp = type === 'http'
  return present({
    ...{ id, type: websocket ? 'websocket' : type, method },
    url: isHttp ? `${scheme}://${host}${isUsual(scheme, port) ? '' : `:${port}`}${path}` : undefined,
    server: isHttp ? undefined : `${host}:${port}`,
    ...{ status: rest.status, contentType: rest.contentType, bytes: rest.size, error: rest.error },
    started: new Date(rest.createdAt).toISOString(),
    ms: rest.duration < 0 ? undefined : Math.round(rest.duration),
    ...{ running: rest.live, intercepted: rest.intercepted, replayed: rest.replayed },
    ...{ marked: rest.marked, comment: rest.comment, client: rest.client, mode: rest.mode },
  })
}

const isUsual = (scheme: string, port: number) => port === (scheme === 'https' ? 443 : 80)

/** A whole flow; `characters` of each body, 0 for none. Certificates are told by their subjects. */
export async function toldFlow(api: MidwireApi, flow: Flow, characters = BODY): Promise<object> {
  const { request, response, client, server } = flow
  const part = async (name: 'request' | 'response', message: NonNullable<Flow['request' | 'response']>) => {
    const { body, headers, irregularities, ...rest } = message
    return present({
      ...rest,
      headers: headers.map(([field, value]) => `${field}: ${value}`),
      irregularities: irregularities.length > 0 ? irregularities : undefined,
      bodyBytes: body.length,
      body: characters > 0 && body.recorded > 0 ? await toldBody(api, flow.id, name, characters) : undefined,
    })
  }
  return present({
    ...flow,
    client: toldEnd(client),
    server: server && toldEnd(server),
    request: request && (await part('request', request)),
    response: response && (await part('response', response)),
  })
}

type End = Flow['client'] | NonNullable<Flow['server']>

function toldEnd(end: End): object {
  const { tls } = end
  const certificates = tls?.certificates?.map(({ subject, issuer, validTo }) => ({
    ...{ subject, issuer, validTo: new Date(validTo).toISOString() },
  }))
  return present({ ...end, tls: tls && present({ ...tls, certificates }) })
}

async function toldBody(
  api: MidwireApi,
  id: string,
  part: 'request' | 'response',
  characters: number,
): Promise<string> {
  const { view, lines, cut, note } = await api.viewContent({ id, part, bytes: characters, lines: LINES })
  const text = lines.map((line) => line.map((one) => (typeof one === 'string' ? one : one[1])).join('')).join('\n')
  const isCut = cut || text.length > characters
  const notes = [`view ${view}`, note, isCut ? `cut after ${characters} characters` : undefined]
  return `[${notes.filter(Boolean).join('; ')}]\n${text.slice(0, characters)}`
}

/** A message without what is false. */
export const toldMessage = ({ fromClient, ...rest }: Message): object =>
  present({ from: fromClient ? 'client' : 'server', ...rest, timestamp: undefined })

/** Fields that say something. */
function present(fields: Readonly<Record<string, unknown>>): object {
  const empty = (value: unknown) => value === undefined || value === '' || value === false || isEmptyObject(value)
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !empty(value)))
}

const isEmptyObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
