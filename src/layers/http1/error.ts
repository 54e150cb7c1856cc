// What is wrong with a message of HTTP/1.

/** Who spoke: faults of a request are the client's (400 and its like), faults of a response are upstream's (502). */
export type Side = 'request' | 'response'

/** The message is a sentence for a human: what was wrong and where. It may quote what the peer sent: escape it in HTML. */
export class Http1Error extends Error {
  /** What the client is told: 400, 413, 414, 431, 501, 505; 502 for every fault of an upstream. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'Http1Error'
    this.status = status
  }
}

/** The error of a side: `status` where it was the client's fault, else 502. */
export function fault(side: Side, message: string, status = 400): Http1Error {
  return new Http1Error(side === 'request' ? status : 502, message)
}

/** A byte as it is named in messages: `"("`, `0x0b`, or `the end` where there is none. */
export function shown(byte: number | undefined): string {
  if (byte === undefined) return 'the end'
  if (byte > 0x20 && byte < 0x7f) return `"${String.fromCharCode(byte)}"`
  return NAMES[byte] ?? `0x${byte.toString(16).padStart(2, '0')}`
}

const NAMES: Record<number, string> = { 0: 'NUL', 9: 'a tab', 10: 'a bare LF', 13: 'a bare CR', 32: 'a space' }

/** Text of a peer as it is quoted in messages: at most 40 characters of it, control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}
