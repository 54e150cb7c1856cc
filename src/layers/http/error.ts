// The errors of an exchange: a wrong message of either side, or an addon's word; and how its sentences show bytes and texts of a peer.

/** The message that is at fault: a request's faults are the client's (400 and others), a response's are the server's (502). */
export type Side = 'request' | 'response'

/** The sender of a message. */
export const senderOf = (side: Side): string => (side === 'request' ? 'the client' : 'the server')

/** `message` says for people what was wrong and where. It may quote bytes of the peer: escape it in HTML. */
export class HttpError extends Error {
  /** The status of the error page for the client: 400, 413, 414, 431, 501, 505; 502 for every fault of a server. */
  readonly status: number
  /** What has failed, for the error page; undefined where the status says it. */
  readonly code: string | undefined

  constructor(status: number, message: string, code?: string) {
    super(message)
    this.name = 'HttpError'
    this.status = status
    this.code = code
  }
}

/** An addon has killed the flow, or has failed. */
export class Stopped extends Error {}

/** An error with `status` where the client is at fault, with 502 where the server is. */
export function fault(side: Side, message: string, status = 400, code?: string): HttpError {
  return new HttpError(side === 'request' ? status : 502, message, code)
}

/** A byte as messages show it: `"("`, `0x0b`; `the end` for undefined. */
export function shown(byte: number | undefined): string {
  if (byte === undefined) return 'the end'
  if (byte > 0x20 && byte < 0x7f) return `"${String.fromCharCode(byte)}"`
  return NAMES[byte] ?? `0x${byte.toString(16).padStart(2, '0')}`
}

const NAMES: Record<number, string> = { 0: 'NUL', 9: 'a tab', 10: 'a bare LF', 13: 'a bare CR', 32: 'a space' }

/** A peer's text as messages quote it: at most 40 characters, control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}
