// A message within a body that passes, as addons see it in `http_message`: an event of SSE, a gRPC message, a line of JSON.
import type { Decoded } from './content-coding.js'

/** `sse`: an event of `text/event-stream`. `grpc`: a message of gRPC or gRPC-Web. `ndjson`: a JSON text of JSON lines or a JSON sequence. */
export type StreamKind = 'sse' | 'grpc' | 'ndjson'

/** How a message stands in its body: what reads it, and what writes it in the same form. */
export interface MessageView {
  readonly kind: StreamKind
  /** Of an event: the values of its fields `event`, `id` and `retry` (milliseconds); undefined for a field that it has not. */
  readonly event?: string | undefined
  readonly id?: string | undefined
  readonly retry?: number | undefined
  /** The content without its syntax and its compression. */
  read(): Decoded
  /** Why a message cannot have this content; undefined where it can. */
  refuse(content: Buffer): string | undefined
  /** The bytes of the message with other parts. `content` is undefined where it stays. */
  write(parts: MessageParts): Buffer
}

export interface MessageParts {
  readonly content: Buffer | undefined
  readonly event: string | undefined
  readonly id: string | undefined
}

export class StreamMessage {
  readonly kind: StreamKind
  /** True: a part of the request; false: of the response. */
  readonly fromClient: boolean
  /** Milliseconds since the epoch: when its last byte came. */
  readonly timestamp: number
  readonly #view: MessageView
  #read: Decoded | undefined
  /** What an addon has put in the content's place. */
  #content: Buffer | undefined
  #event: string | undefined
  #id: string | undefined
  #dropped = false
  #settled = false

  constructor(view: MessageView, fromClient: boolean, timestamp: number) {
    this.kind = view.kind
    this.fromClient = fromClient
    this.timestamp = timestamp
    this.#view = view
    this.#event = view.event
    this.#id = view.id
  }

  /**
   * The data of an event, its lines joined by LF; a line, or a JSON text, without what separates it from the next; a gRPC message without
   * its prefix and its compression, at most 32 MiB. `decodeError` says where that could not be undone.
   */
  get content(): Buffer {
    return this.#content ?? this.#decoded.content
  }

  /**
   * Changes the message; what is around the content follows by itself, and a gRPC message that was compressed is compressed again. A
   * string is written in UTF-8. Throws a TypeError for a line break in a line, and for the byte 0x1e in a JSON sequence.
   */
  set content(content: Uint8Array | string) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
    const fault = this.#view.refuse(bytes)
    if (fault !== undefined) throw new TypeError(fault)
    this.#content = bytes
  }

  /** `content` as text in UTF-8. */
  get text(): string {
    return this.content.toString()
  }

  set text(text: string) {
    this.content = text
  }

  /** A sentence that says why `content` is not the whole message decoded; undefined where it is. */
  get decodeError(): string | undefined {
    return this.#content ? undefined : this.#decoded.error
  }

  /** The type of an event, its field `event`; undefined for none, and in other kinds. Setting a text of two lines throws a TypeError. */
  get event(): string | undefined {
    return this.#event
  }

  set event(event: string | undefined) {
    this.#event = this.#field('event', event)
  }

  /** The field `id` of an event; undefined for none, and in other kinds. Setting a text of two lines throws a TypeError. */
  get id(): string | undefined {
    return this.#id
  }

  set id(id: string | undefined) {
    this.#id = this.#field('id', id)
  }

  /** The field `retry` of an event, in milliseconds; undefined for none, and in other kinds. */
  get retry(): number | undefined {
    return this.#view.retry
  }

  /** True once `drop()` was called. */
  get dropped(): boolean {
    return this.#dropped
  }

  /** The message is not sent on. */
  drop(): void {
    this.#dropped = true
  }

  /** The bytes that are sent in the message's place: none for one that is dropped; undefined for one that is sent as it came. */
  replacement(): Buffer | undefined {
    if (this.#dropped) return EMPTY
    const [content, event, id] = [this.#content, this.#event, this.#id]
    if (content === undefined && event === this.#view.event && id === this.#view.id) return undefined
    return this.#view.write({ content, event, id })
  }

  /** The message has passed. From now on its decoding, which may be much longer than the message, is not kept. */
  settle(): void {
    this.#settled = true
    this.#read = undefined
  }

  get #decoded(): Decoded {
    if (this.#settled) return this.#view.read()
    this.#read ??= this.#view.read()
    return this.#read
  }

  #field(name: 'event' | 'id', value: string | undefined): string | undefined {
    if (this.kind !== 'sse') throw new TypeError(`a message of the kind ${this.kind} has no ${name}`)
    if (value !== undefined && /[\r\n\0]/.test(value)) throw new TypeError(`the ${name} of an event is one line`)
    return value
  }
}

const EMPTY = Buffer.alloc(0)
