// Flows of raw TCP and UDP: the messages of client and server in their order, recorded up to a limit.
import { withoutWaste } from './body.js'
import { Flow, type FlowOrigin } from './flow.js'
import { FLOW_SIZE, MESSAGE_SIZE } from './size.js'

export interface RawMessage {
  readonly fromClient: boolean
  /**
   * The bytes that are sent on. An addon may set them in the `tcp_message` and `udp_message` hooks; with an empty Buffer nothing is
   * sent on. A datagram that came empty is sent on empty, unless an addon sets its content.
   */
  content: Buffer
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** The most messages of a flow that are recorded, however small they are. */
export const MAX_MESSAGES = 10_000

abstract class RawFlow extends Flow {
  /** The recorded messages: the first ones, up to `body_record_limit` bytes in all. */
  readonly messages: RawMessage[] = []
  /** Bytes that the client and the server have sent, recorded or not. */
  bytesFromClient = 0
  bytesFromServer = 0
  #room: number

  constructor(origin: FlowOrigin, limit: number) {
    super(origin)
    this.#room = limit
  }

  /** True while there is room for another message. */
  get recording(): boolean {
    return this.#room > 0 && this.messages.length < MAX_MESSAGES
  }

  /** True where messages have passed that were not recorded. */
  truncated = false

  /** The message that came last: in a `tcp_message` or `udp_message` hook the one that the hook is for. */
  last: RawMessage | undefined

  /** The messages whose hook runs, or which wait after it, in the order in which they came: one of each side, and those that are injected. */
  readonly passing: RawMessage[] = []

  /** Makes a message for the hooks, and records it where there is room. */
  record(fromClient: boolean, content: Buffer, timestamp: number): RawMessage {
    if (fromClient) this.bytesFromClient += content.length
    else this.bytesFromServer += content.length
    const { recording } = this
    const message: RawMessage = { fromClient, content: recording ? withoutWaste(content) : content, timestamp }
    this.last = message
    if (recording) this.messages.push(message)
    else this.truncated = true
    this.#room -= content.length
    return message
  }

  /**
   * Sends bytes, or a datagram, in the name of one side: to the client, or to the server. A string is sent in UTF-8. The hook for messages runs,
   * too. Does nothing where the flow is over, or its server is not connected yet.
   */
  inject(to: 'client' | 'server', content: string | Uint8Array): void {
    this.post({ toClient: to === 'client', kind: 'binary', content: Buffer.from(content as Uint8Array) })
  }

  override get size(): number {
    return this.messages.reduce((size, { content }) => size + MESSAGE_SIZE + content.length, FLOW_SIZE)
  }

  /** Counts bytes that pass without a message or a hook. */
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
