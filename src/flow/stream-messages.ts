// The messages within the bodies of an HTTP flow, in their order, recorded up to a limit.
import { MAX_MESSAGES } from './messages.js'
import { MESSAGE_SIZE } from './size.js'
import type { StreamMessage } from './stream-message.js'

export class StreamMessages {
  /** The recorded messages: the first ones, up to `body_record_limit` bytes as they came in all. */
  readonly recorded: StreamMessage[] = []
  /** The message that came last, recorded or not. */
  last: StreamMessage | undefined
  /** Messages of the request and of the response, recorded or not. */
  fromClient = 0
  fromServer = 0
  /** True where messages have passed that were not recorded. */
  truncated = false
  /** The bytes of memory that the recorded messages take, about. */
  size = 0
  #room: number

  /** At most `limit` bytes of messages are recorded. */
  constructor(limit: number) {
    this.#room = limit
  }

  /** Counts a message after its hook, and records it where there is room. `bytes`: its length as it came. */
  record(message: StreamMessage, bytes: number): void {
    if (message.fromClient) this.fromClient += 1
    else this.fromServer += 1
    message.settle()
    this.last = message
    if (this.truncated || bytes > this.#room || this.recorded.length >= MAX_MESSAGES) {
      this.truncated = true
      return
    }
    this.recorded.push(message)
    this.#room -= bytes
    this.size += MESSAGE_SIZE + bytes
  }
}
