// Cuts bodies of gRPC and gRPC-Web into their messages: five bytes of prefix, then the message.
import { decodeContent, encodeContent } from '../../../flow/content-coding.js'
import type { MessageView } from '../../../flow/stream-message.js'
import { Held } from './held.js'
import type { Splitter, Unit } from './splitter.js'

/** The longest message that is held for its hook, without its prefix: what gRPC's own libraries accept unless told otherwise. */
const MAX_MESSAGE = 4 * 1024 * 1024
/** A byte of flags and the length in four bytes. */
const PREFIX = 5

const COMPRESSED = 1
/** gRPC-Web: the frame holds the trailers, and no message. */
const TRAILERS = 0x80

export class GrpcSplitter implements Splitter {
  readonly kind = 'grpc'
  readonly #encoding: string | undefined
  readonly #web: boolean
  readonly #held = new Held(MAX_MESSAGE + PREFIX)
  /** Bytes of a message that is too long that have not come yet. */
  #skip = 0
  /** Flags have come that nobody knows: the rest passes as it is. */
  #lost = false

  /** `encoding`: the field grpc-encoding, by which messages are compressed. `web`: trailers are a frame. */
  constructor(encoding: string | undefined, web: boolean) {
    this.#encoding = encoding
    this.#web = web
  }

  push(chunk: Buffer): Unit[] {
    const units: Unit[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#lost || this.#skip > 0) {
        const end = this.#lost ? chunk.length : Math.min(chunk.length, at + this.#skip)
        units.push({ raw: chunk.subarray(at, end) })
        this.#skip = Math.max(0, this.#skip - (end - at))
        at = end
        continue
      }
      at = this.#frame(chunk, at, units)
    }
    return units
  }

  end(): Unit[] {
    const { raw } = this.#held.complete(Buffer.alloc(0))
    return raw.length > 0 ? [{ raw }] : []
  }

  /** Takes bytes of one frame, up to its end at most. Returns the index after them. */
  #frame(chunk: Buffer, at: number, units: Unit[]): number {
    const held = this.#held.length
    const prefix = Math.max(0, PREFIX - held)
    if (at + prefix > chunk.length) {
      this.#held.add(chunk.subarray(at))
      return chunk.length
    }
    const head = held === 0 ? chunk.subarray(at, at + PREFIX) : this.#head(chunk.subarray(at, at + prefix))
    const flags = head[0] as number
    const length = head.readUInt32BE(1)
    const known = flags <= COMPRESSED || (this.#web && (flags & ~COMPRESSED) === TRAILERS)
    if (!known || length > MAX_MESSAGE) {
      this.#lost = !known
      this.#skip = length
      units.push({ raw: this.#held.complete(chunk.subarray(at, at + prefix)).raw })
      return at + prefix
    }
    const end = at + PREFIX + length - held
    if (end > chunk.length) {
      this.#held.add(chunk.subarray(at))
      return chunk.length
    }
    const { raw } = this.#held.complete(chunk.subarray(at, end))
    units.push(flags < TRAILERS ? { raw, message: message(raw, this.#encoding) } : { raw })
    return end
  }

  /** The prefix, of which a part is held and `rest` has just come. */
  #head(rest: Buffer): Buffer {
    return Buffer.concat([this.#held.bytes.subarray(0, PREFIX), rest])
  }
}

function message(raw: Buffer, encoding: string | undefined): MessageView {
  const payload = raw.subarray(PREFIX)
  const compressed = raw[0] === COMPRESSED
  return {
    kind: 'grpc',
    read: () => {
      if (!compressed || payload.length === 0) return { content: payload, error: undefined }
      if (encoding !== undefined) return decodeContent(payload, encoding)
      return { content: payload, error: 'the message is compressed, and no field grpc-encoding says how' }
    },
    refuse: () => undefined,
    write: ({ content }) => {
      const encoded = compressed && content && encoding !== undefined ? encodeContent(content, encoding) : undefined
      // A message that cannot be compressed goes without: the flag says so for each one.
      const body = encoded ?? content ?? payload
      const head = Buffer.alloc(PREFIX)
      head[0] = encoded || (!content && compressed) ? COMPRESSED : 0
      head.writeUInt32BE(body.length, 1)
      return Buffer.concat([head, body])
    },
  }
}
