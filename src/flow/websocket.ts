// The WebSocket of an HTTP flow: its messages in their order, recorded up to a limit, and how it was closed.
import { isUtf8 } from 'node:buffer'
import { withoutWaste } from './body.js'
import { MAX_MESSAGES } from './messages.js'
import { MESSAGE_SIZE } from './size.js'

/** The form of a message: `text` is UTF-8. */
export type WebSocketMessageKind = 'text' | 'binary'

export interface WebSocketMessageParts {
  readonly fromClient: boolean
  readonly kind: WebSocketMessageKind
  readonly content: Buffer
  /** Bytes of the whole message, where `content` is only its beginning. Default: those of `content`. */
  readonly length?: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** Default: false. */
  readonly injected?: boolean
}

export class WebSocketMessage {
  readonly fromClient: boolean
  readonly kind: WebSocketMessageKind
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** An addon has sent it, and not the client or the server. */
  readonly injected: boolean
  /** Bytes of the whole message, also where `content` keeps only the first of them. */
  length: number
  #content: Buffer
  #dropped = false
  #changed = false

  constructor(parts: WebSocketMessageParts) {
    this.fromClient = parts.fromClient
    this.kind = parts.kind
    this.timestamp = parts.timestamp
    this.injected = parts.injected ?? false
    this.#content = parts.content
    this.length = parts.length ?? parts.content.length
  }

  /**
   * The message's bytes, decompressed; of a text in UTF-8. It is all of them in the hook `websocket_message`, and what was recorded
   * afterwards. Setting it there, also to a string, sends that in the message's place. Throws a TypeError where a text would not be UTF-8.
   */
  get content(): Buffer {
    return this.#content
  }

  set content(content: Uint8Array | string) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
    if (this.kind === 'text' && !isUtf8(bytes)) throw new TypeError('a text message of a WebSocket has to be UTF-8')
    this.#content = bytes
    this.length = bytes.length
    this.#changed = true
  }

  /** `content` as text; of a binary message, bytes that are not UTF-8 become U+FFFD. */
  get text(): string {
    return this.#content.toString()
  }

  /** Sets `content`. */
  set text(text: string) {
    this.content = text
  }

  /** An addon has changed `content`. */
  get changed(): boolean {
    return this.#changed
  }

  /** The message was not sent on. */
  get dropped(): boolean {
    return this.#dropped
  }

  /** Does not send the message on: for the hook `websocket_message`. */
  drop(): void {
    this.#dropped = true
  }

  /** True where only the first bytes of the message were recorded. */
  get truncated(): boolean {
    return this.length > this.#content.length
  }

  /** Forgets all but the first bytes, `room` of them at most: the message has passed. */
  trim(room: number): void {
    this.#content = withoutWaste(this.#content.subarray(0, room))
  }
}

export class WebSocketData {
  /** The recorded messages: the first ones, up to `body_record_limit` bytes in all, of which the last one may be cut. */
  readonly messages: WebSocketMessage[] = []
  /** In a `websocket_message` hook the message that the hook is for; else the one that came last. */
  last: WebSocketMessage | undefined
  /** The message whose hook runs, or which waits after it. */
  passing: WebSocketMessage | undefined
  /** Messages that the client and the server have sent, recorded or not. */
  messagesFromClient = 0
  messagesFromServer = 0
  /** Bytes of these messages, decompressed. */
  bytesFromClient = 0
  bytesFromServer = 0
  /** Messages that addons have sent, recorded or not. */
  injected = 0
  /** True where messages, or parts of them, have passed that were not recorded. */
  truncated = false
  /** Which side has closed the WebSocket; undefined while it is open, and where midwire has ended it or it was lost. */
  closedByClient: boolean | undefined
  /**
   * The code of the first Close frame (RFC 6455, 7.4.1): 1005 where that had none, 1006 where the connection ended without a Close frame.
   * Undefined while the WebSocket is open.
   */
  closeCode: number | undefined
  closeReason = ''
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  endedAt: number | undefined
  #room: number

  /** At most `limit` bytes of messages are recorded. */
  constructor(limit: number, now: number) {
    this.#room = limit
    this.startedAt = now
  }

  /** Bytes of another message that are recorded. */
  get room(): number {
    return this.messages.length < MAX_MESSAGES ? Math.max(0, this.#room) : 0
  }

  /** Counts a message as it came, and makes it the last one. */
  begin(message: WebSocketMessage): void {
    if (message.injected) {
      this.injected += 1
    } else if (message.fromClient) {
      this.messagesFromClient += 1
      this.bytesFromClient += message.length
    } else {
      this.messagesFromServer += 1
      this.bytesFromServer += message.length
    }
    this.last = message
  }

  /** Records a message after its hook, as it goes on. */
  record(message: WebSocketMessage): void {
    const { room } = this
    message.trim(room)
    if (message.truncated || room === 0) this.truncated = true
    // An empty message takes no room, but is one of the many that are recorded.
    if (room === 0) return
    this.messages.push(message)
    this.#room -= message.content.length
  }

  /** The bytes of memory that the messages take, about. */
  get size(): number {
    return this.messages.reduce((size, { content }) => size + MESSAGE_SIZE + content.length, 0)
  }
}
