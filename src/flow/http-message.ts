// What HTTP's requests and responses have in common: a version, fields, and a body that can be read and changed.
import { MidwireError } from '../errors.js'
import { RecordedBody } from './body.js'
import { type Decoded, decodeContent, encodeContent } from './content-coding.js'
import type { HttpHeaders } from './headers.js'

export type HttpVersion = '1.0' | '1.1' | '2.0' | '3.0'

/** A parameter of Content-Type (RFC 9110, 8.3.2). */
const CHARSET = /charset="?([\w-]+)"?/i

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
  /**
   * Set by an addon in `requestheaders` or `responseheaders`. True: the body passes as it comes, and cannot be changed. False: the
   * body is held until the `request` or `response` hook has run, and can be changed there. Undefined, the default: the body is held
   * where an addon has that hook and the body is not longer than `stream_large_bodies`.
   */
  stream: boolean | undefined
  /** True once a body that is not held has begun to pass: it can no longer be changed. Only the proxy sets this. */
  streamed = false
  #changed = false

  constructor(parts: MessageParts, headers: HttpHeaders, limit: number, now: number) {
    this.version = parts.version ?? '1.1'
    this.headers = headers
    this.irregularities = parts.irregularities ?? NONE
    this.body = new RecordedBody(limit)
    this.startedAt = now
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
    if (error !== undefined || content.length === 0 || decoderOf(this.#charset)) return error
    return `the charset ${JSON.stringify(this.#charset?.slice(0, 40))} is unknown: the text was read as UTF-8`
  }

  /**
   * `decodedContent` as text in the charset of Content-Type, else in UTF-8; bytes that are none become U+FFFD. A charset that is
   * unknown is read as UTF-8, and `decodeError` says so.
   */
  get text(): string {
    const decoder = decoderOf(this.#charset) ?? new TextDecoder()
    return decoder.decode(this.decodedContent)
  }

  /** Sets `decodedContent` to a text in UTF-8; another charset in Content-Type becomes utf-8. Throws as it does. */
  set text(text: string) {
    this.decodedContent = text
    const charset = this.#charset
    if (charset === undefined || /^utf-?8$/i.test(charset)) return
    this.headers.set('content-type', (this.headers.get('content-type') ?? '').replace(CHARSET, 'charset=utf-8'))
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

  get #charset(): string | undefined {
    return CHARSET.exec(this.headers.get('content-type') ?? '')?.[1]
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

/** The decoder of a charset, of UTF-8 where none is given; undefined for an unknown charset. */
function decoderOf(charset: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(charset)
  } catch {
    return undefined
  }
}
