// Raw TCP and UDP flows: what each side said, in order, up to a limit.
import { Flow, type FlowOrigin } from './flow.js'
import { FLOW_SIZE, MESSAGE_SIZE } from './size.js'

export interface RawMessage {
  readonly fromClient: boolean
  /**
   * What goes on; settable in the `tcp_message` and `udp_message` hooks. Set to an empty Buffer: nothing goes on. A datagram that
   * came empty goes on as it came, unless it is set.
   */
  content: Buffer
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** At most so many messages are kept, however small. */
const MAX_MESSAGES = 10_000

abstract class RawFlow extends Flow {
  /** What was recorded: the first messages, up to `body_record_limit` bytes in all. */
  readonly messages: RawMessage[] = []
  /** Bytes that passed each way, recorded or not. */
  bytesFromClient = 0
  bytesFromServer = 0
  #room: number

  constructor(origin: FlowOrigin, limit: number) {
    super(origin)
    this.#room = limit
  }

  /** False once nothing more is recorded. */
  get recording(): boolean {
    return this.#room > 0 && this.messages.length < MAX_MESSAGES
  }

  /** True when messages passed that were not recorded. */
  truncated = false

  /** The message that has just come: the one that a `_message` hook is about. */
  last: RawMessage | undefined

  /** Records a message as far as there is room, and gives it back for the hooks. */
  record(fromClient: boolean, content: Buffer, timestamp: number): RawMessage {
    if (fromClient) this.bytesFromClient += content.length
    else this.bytesFromServer += content.length
    const message: RawMessage = { fromClient, content, timestamp }
    this.last = message
    if (this.recording) this.messages.push(message)
    else this.truncated = true
    this.#room -= content.length
    return message
  }

  override get size(): number {
    return this.messages.reduce((size, { content }) => size + MESSAGE_SIZE + content.length, FLOW_SIZE)
  }

  /** Counts bytes that passed without being looked at. */
  count(fromClient: boolean, bytes: number): void {
    if (fromClient) this.bytesFromClient += bytes
    else this.bytesFromServer += bytes
    if (bytes > 0) this.truncated = true
  }
}

export class TcpFlow extends RawFlow {
  readonly type = 'tcp'
}

export class UdpFlow extends RawFlow {
  readonly type = 'udp'
}
