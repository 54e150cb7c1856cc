// A stream (RFC 9113, 5): what both sides may still send, its windows, and what waits for them.

export class Stream {
  readonly id: number
  /** Whatever the owner of the session wants to find here again. */
  owner: unknown
  /** True while data waits in the session: send no more before `handleRoom`. */
  full = false
  /** Names of the peer's last head that came as never-indexed literals; give them to `open` or `sendHead` of the other side. */
  neverIndexed: readonly string[] | undefined

  /** The peer may still send. */
  receiving = true
  /** We may still send; false from the moment on when END_STREAM was given to the session. */
  sending = true
  /** Reset, by either side. Nothing more comes of it, and what is sent on it is dropped. */
  reset = false
  /** The request's head came (server), or the final response's (client). */
  headed = false
  /** Server: the final response was begun. */
  answered = false
  /** Interim responses. */
  interims = 0
  /** The request's method, as far as it matters: a response to HEAD has no body. */
  readonly method: string

  /** What content-length says, -1 if nothing; and what came. */
  expected = -1
  received = 0
  /** No DATA may have data: the response to HEAD, 204 or 304. */
  bodyless = false
  /** What the peer may still send. */
  receiveWindow: number
  /** Bytes that the owner has, and has not passed on. */
  unconsumed = 0
  /** Bytes that were passed on, and not given back yet by WINDOW_UPDATE. */
  owed = 0

  /** What we may send; may be negative (RFC 9113, 6.9.2). */
  sendWindow: number
  /** Data that waits, of which the first has been sent up to `sent`. */
  queue: Buffer[] | undefined
  sent = 0
  queued = 0
  /** What follows the queue. */
  endQueued = false
  trailers: readonly string[] | undefined
  /** In the list of those that wait for a window. */
  waiting = false

  constructor(id: number, method: string, receiveWindow: number, sendWindow: number) {
    this.id = id
    this.method = method
    this.receiveWindow = receiveWindow
    this.sendWindow = sendWindow
  }
}
