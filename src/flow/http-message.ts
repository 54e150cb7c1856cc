// What HTTP's requests and responses have in common: a version, fields, and a body that can be read and changed.
import { MidwireError } from '../errors.js'
import { RecordedBody } from './body.js'
import { type Charset, charsetOf, withUtf8 } from './charset.js'
import { type Decoded, decodeContent, encodeContent } from './content-coding.js'
import type { HttpHeaders } from './headers.js'

export type HttpVersion = '1.0' | '1.1' | '2.0' | '3.0'

/** What a function of chunks returns: bytes, or texts in UTF-8, one after the other; undefined for none. */
export type StreamedBytes = Uint8Array | string | Iterable<Uint8Array | string> | undefined

/**
 * Gets each piece of a body as it comes, without chunked coding but in its Content-Encoding, and an empty Buffer at the end. What it
 * returns is sent in the piece's place. The next piece waits for a promise, 30 s at most.
 */
export type BodyFunction = (
  chunk: Buffer,
) => StreamedBytes | PromiseLike<StreamedBytes> | AsyncIterable<Uint8Array | string>

/**
 * A TransformStream, a CompressionStream, or another pair: what is written to one side and read from the other. What it gives for a piece
 * later than that piece is written is sent with the next one.
 */
export interface BodyTransform {
  readonly readable: ReadableStream<Uint8Array | string>
  readonly writable: WritableStream<Uint8Array>
}

/** What may be done with a body that is not held. */
export type BodyStream = boolean | BodyFunction | BodyTransform

interface MessageParts {
  version?: HttpVersion
  irregularities?: readonly string[] | undefined
}

const NONE: readonly string[] = Object.freeze([])

export abstract class HttpMessage {
  version: HttpVersion
  headers: HttpHeaders
  /** The fields after a chunked body; undefined where there are none. */
  trailers: HttpHeaders | undefined
  /**
   * How its form was odd when it came, a sentence for each kind: `the value of X-Note is folded over lines`. What is held here, and
   * what goes on, was made regular. None as a rule: only what has one meaning passes.
   */
  irregularities: readonly string[]
  readonly body: RecordedBody
  /** Milliseconds since the epoch: the head's first byte, and the body's last. */
  startedAt: number
  endedAt: number | undefined
  /** True once a body that is not held has begun to pass: it can no longer be changed. Only the proxy sets this. */
  streamed = false
  #changed = false
  #stream: BodyStream | undefined

  constructor(parts: MessageParts, headers: HttpHeaders, limit: number, now: number) {
    this.version = parts.version ?? '1.1'
    this.headers = headers
    this.irregularities = parts.irregularities ?? NONE
    this.body = new RecordedBody(limit)
    this.startedAt = now
  }

  /**
   * Set by an addon in `requestheaders` or `responseheaders`. True: the body passes as it comes, and cannot be changed. A function or a
   * TransformStream: the body passes through it. False: the body is held until the `request` or `response` hook has run, and can be
   * changed there. Undefined, the default: the body is held where an addon has that hook and the body is not longer than
   * `stream_large_bodies`; one that comes in messages without a Content-Length (events, gRPC, JSON lines) is not held. Throws a TypeError for another value.
   */
  get stream(): BodyStream | undefined {
    return this.#stream
  }

  set stream(stream: BodyStream | undefined) {
    const { readable, writable } = (stream ?? {}) as Partial<BodyTransform>
    if (!['undefined', 'boolean', 'function'].includes(typeof stream) && !(readable && writable)) {
      throw new TypeError(`flow.${this.side}.stream must be true, false, a function of chunks, or a TransformStream`)
    }
    this.#stream = stream
  }

  /** True where an addon has put another body in this one's place. */
  get contentChanged(): boolean {
    return this.#changed
  }

  /**
   * The recorded bytes of the body, as they passed: compressed bodies are compressed. Of a body that is held it is all of it while
   * hooks run, and its first `body_record_limit` bytes once the flow is over: a copy keeps the rest.
   */
  get content(): Buffer {
    return this.body.content
  }

  /**
   * Changes the body; Content-Length follows by itself. A string is written in UTF-8. Throws ERR_BODY_STREAMED where the body has
   * passed, or begun to.
   */
  set content(content: Uint8Array | string) {
    this.#replace(bytesOf(content))
  }

  /**
   * The recorded body without its Content-Encoding (RFC 9110, 8.4): gzip, deflate and br, zstd where Node.js has it, and several
   * of them; at most 32 MiB. It is what can be had: of a body that is cut or damaged the part that could be decoded, and the bytes
   * as they came where a coding is unknown or the body is not in it. `decodeError` says so then.
   */
  get decodedContent(): Buffer {
    return this.#decoded().content
  }

  /**
   * Changes the body. It is sent as Content-Encoding says, in each of its codings; where one of them is unknown, without
   * Content-Encoding. Throws ERR_BODY_STREAMED where the body has passed, or begun to.
   */
  set decodedContent(content: Uint8Array | string) {
    const bytes = bytesOf(content)
    const encoded = encodeContent(bytes, this.headers.get('content-encoding'))
    this.#replace(encoded ?? bytes)
    if (!encoded) this.headers.delete('content-encoding')
  }

  /** A sentence that says why `decodedContent` or `text` is not the whole body decoded; undefined where it is. */
  get decodeError(): string | undefined {
    const { content, error } = this.#decoded()
    if (error !== undefined || content.length === 0) return error
    const { unknown, label } = this.#charsetOf(content)
    if (unknown === undefined) return undefined
    return `the charset ${JSON.stringify(unknown.slice(0, 40))} is unknown: the text was read as ${label.toUpperCase()}`
  }

  /**
   * `decodedContent` as text. Its charset is that of its byte order mark; else of Content-Type; else what the first 1,024 bytes say:
   * `<meta>` in HTML, `encoding` in XML, `@charset` in CSS; else UTF-8, which JSON and event streams always are in. Bytes that are no
   * text become U+FFFD, and the mark is left out. A charset that is unknown is passed over, and `decodeError` says so.
   */
  get text(): string {
    const content = this.decodedContent
    return this.#charsetOf(content).decode(content)
  }

  /**
   * Sets `decodedContent` to a text in UTF-8. Where it would be read in another charset, because of Content-Type, of what the text says of
   * itself, or since the byte order mark is gone, Content-Type says `charset=utf-8`, which is stronger than what the text says. Throws as
   * `decodedContent` does.
   */
  set text(text: string) {
    const before = this.#charsetOf(this.decodedContent)
    const content = Buffer.from(text)
    this.decodedContent = content
    const type = this.headers.get('content-type')
    if (type === undefined) return
    const { label, source, unknown } = this.#charsetOf(content)
    if (source === 'fixed' || source === 'bom') return
    const isUtf8 = unknown === undefined && /^utf-?8$/i.test(label)
    if (isUtf8 && (source !== 'default' || before.source !== 'bom')) return
    this.headers.set('content-type', withUtf8(type))
  }

  protected abstract get side(): 'request' | 'response'

  #replace(content: Buffer): void {
    if (this.streamed) throw bodyStreamed(this.side)
    this.body.replace(content)
    this.#changed = true
  }

  #decoded(): Decoded {
    return decodeContent(this.body.content, this.headers.get('content-encoding'))
  }

  #charsetOf(content: Buffer): Charset {
    return charsetOf(content, this.headers.get('content-type'))
  }
}

/** The error of an addon that changes a body which the peer has got already: the change would be recorded, and never sent. */
export function bodyStreamed(side: 'request' | 'response'): MidwireError {
  const peer = side === 'request' ? 'server' : 'client'
  return new MidwireError(
    'ERR_BODY_STREAMED',
    `the body has gone to the ${peer} already: set flow.${side}.stream = false in ${side}headers to hold it`,
  )
}

/** A copy of the content: the addon may go on changing its own bytes. */
function bytesOf(content: Uint8Array | string): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
}
