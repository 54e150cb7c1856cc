// gRPC and gRPC-Web: the messages of a body, decompressed, each as protocol buffers or by the view that fits it.
import { decodeContent } from '../flow/content-coding.js'
import { writeHex } from './hex.js'
import { looksLikeJson } from './json.js'
import type { Page } from './page.js'
import type { ProtoSchema } from './proto-schema.js'
import { writeMessage } from './protobuf.js'
import { mediaType, type View, type ViewMetadata } from './view.js'

const TYPE = /^application\/grpc(?:-web)?(?:-text)?(?:\+.+)?$/
/** The prefix of a message: a byte of flags, four of the length. */
const PREFIX = 5
const COMPRESSED = 1
const TRAILERS = 0x80
/** Bytes that the messages of a body are decompressed to in all. */
const MAX_DECODED = 32 * 1024 * 1024

export function grpcView(schema?: ProtoSchema): View {
  return {
    name: 'grpc',
    help: 'gRPC, gRPC-Web: messages, decompressed, as protocol buffers',
    priority: (content, { contentType }) => (content.length > 0 && TYPE.test(mediaType(contentType)) ? 1 : 0),
    render(content, metadata, page) {
      const type = mediaType(metadata.contentType)
      writeFrames(page, /-text\b/.test(type) ? fromBase64(content) : content, metadata, schema)
      return undefined
    },
  }
}

export const grpc = grpcView()

function writeFrames(page: Page, content: Buffer, metadata: ViewMetadata, schema: ProtoSchema | undefined): void {
  let room = MAX_DECODED
  for (let at = 0; at < content.length; ) {
    const flags = content[at] as number
    const length = content.length - at < PREFIX ? -1 : content.readUInt32BE(at + 1)
    const isPrefix = length >= 0 && (flags & ~(COMPRESSED | TRAILERS)) === 0
    if (!isPrefix) {
      if (at === 0 && content.length >= PREFIX) throw new Error('it does not begin with a message of gRPC')
      page.line('(no message)', 'error')
      writeHex(page, content.subarray(at))
      return
    }
    const framed = content.subarray(at + PREFIX, at + PREFIX + length)
    const isCut = framed.length < length
    const isCompressed = (flags & COMPRESSED) !== 0
    const notes = [isCompressed && 'compressed', isCut && `${framed.length} of ${length} bytes are here`]
    const what = flags & TRAILERS ? 'trailers' : 'message'
    page.text(what, 'mark')
    page.line([`, ${length} bytes`, ...notes.filter(Boolean)].join(', '), 'comment')
    page.depth += 1
    const { content: message, error } =
      isCompressed && room > 0 ? plain(framed, metadata) : { content: framed, error: undefined }
    if (isCompressed) room -= message.length
    if (error !== undefined) page.line(`(${error})`, 'error')
    if (flags & TRAILERS) page.line(message.toString('latin1').trimEnd())
    else if (isCompressed && (message === framed || room <= 0)) writeHex(page, message)
    else writeContent(page, message, metadata, schema)
    page.depth -= 1
    at += PREFIX + length
  }
}

function writeContent(page: Page, message: Buffer, metadata: ViewMetadata, schema: ProtoSchema | undefined): void {
  const suffix = /\+(.+)$/.exec(mediaType(metadata.contentType))?.[1] ?? 'proto'
  if (suffix !== 'proto' || looksLikeJson(message)) {
    page.nested(message, suffix === 'proto' ? 'application/json' : `application/${suffix}`)
    return
  }
  const type = schema?.ofPath(metadata.path, metadata.fromClient)
  const end = writeMessage(page, message, schema, type)
  if (end === 0) writeHex(page, message)
}

/** A message without the compression that the field grpc-encoding names; without such a field it is gzip, which nearly all use. */
function plain(message: Buffer, { flow, fromClient }: ViewMetadata): { content: Buffer; error: string | undefined } {
  const http = flow?.type === 'http' ? flow : undefined
  const headers = (fromClient ? http?.request : http?.response)?.headers
  return decodeContent(message, headers?.get('grpc-encoding') ?? 'gzip')
}

/** Messages in base64, each with its own padding. */
function fromBase64(content: Buffer): Buffer {
  const parts = content.toString('latin1').match(/[^=]+=*/g) ?? []
  return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')))
}
