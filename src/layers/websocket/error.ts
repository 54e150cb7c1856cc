// The error for what a peer may not send over a WebSocket, and the close codes that midwire itself sends.

/** Close codes (RFC 6455, 7.4.1). */
export const CLOSE = {
  normal: 1000,
  /** The endpoint goes away. The side that is not at fault is told this one. */
  goingAway: 1001,
  protocolError: 1002,
  /** Never sent: a Close frame without a code was received. */
  noStatus: 1005,
  /** Never sent: the connection ended without a Close frame. */
  abnormal: 1006,
  /** Data that is not what its message's type says, such as text that is not UTF-8. */
  invalidData: 1007,
  tooBig: 1009,
  /** An unexpected condition: an addon has failed. */
  internal: 1011,
} as const

/** `message` says for people what was wrong: `code` is the close code for the peer that is at fault. */
export class WebSocketError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'WebSocketError'
    this.code = code
  }
}
