// The trailer section after a chunked body (RFC 9112, 7.1.2; RFC 9110, 6.5).
import { HttpHeaders } from '../../flow/headers.js'
import { CR, LF } from './bytes.js'
import { fault, type Side, shown } from './error.js'
import { MAX_HEAD, parseFields } from './fields.js'

/** Who merged these into the head would frame or route the message in another way: they are refused. */
const REFUSED = new Set(['content-length', 'transfer-encoding', 'host'])

/**
 * Fields that must stand before the body to mean anything (RFC 9110, 6.5.1: connection, authentication, requests' conditions
 * and controls, how the content is to be read): they are dropped, so that nobody who merges trailers believes them.
 */
const DROPPED = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'set-cookie',
  'te',
  'trailer',
  'upgrade',
  'www-authenticate',
])

/** Throws where a trailer could change a message's framing or its way. */
export function checkTrailerName(name: string, side: Side): void {
  if (REFUSED.has(name.toLowerCase())) throw fault(side, `${name} cannot be a trailer`)
}

const START = 0
const START_LF = 1
const LINE = 2
const LINE_LF = 3

/** Collects a section until its empty line, then reads it. */
export class TrailerReader {
  done = false
  /** Undefined where none were there, or none were left. */
  fields: HttpHeaders | undefined
  readonly #side: Side
  #state = START
  #size = 0
  readonly #held: Buffer[] = []

  constructor(side: Side) {
    this.#side = side
  }

  /** Returns the index after what was read: short of the buffer's end only when the section is complete. */
  read(buffer: Buffer, from: number): number {
    let state = this.#state
    let at = from
    while (at < buffer.length) {
      const byte = buffer[at++] as number
      if (++this.#size > MAX_HEAD) throw fault(this.#side, `the trailers are longer than ${MAX_HEAD} bytes`, 431)
      if (state === START_LF || state === LINE_LF) {
        if (byte !== LF) throw fault(this.#side, 'the trailers have a bare CR')
        if (state === START_LF) {
          this.#held.push(buffer.subarray(from, at))
          this.#finish()
          return at
        }
        state = START
      } else if (byte === CR) {
        state = state === START ? START_LF : LINE_LF
      } else if (byte === LF) {
        throw fault(this.#side, `the trailers have ${shown(byte)}`)
      } else {
        state = LINE
      }
    }
    this.#state = state
    // A copy: the section is seldom cut, and what it was cut from may be large.
    this.#held.push(Buffer.from(buffer.subarray(from, at)))
    return at
  }

  #finish(): void {
    this.done = true
    const bytes = Buffer.concat(this.#held)
    this.#held.length = 0
    const raw = parseFields(bytes, bytes.toString('latin1'), 0, 0, bytes.length, this.#side)
    const kept: string[] = []
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] as string
      checkTrailerName(name, this.#side)
      if (!DROPPED.has(name.toLowerCase())) kept.push(name, raw[at + 1] as string)
    }
    if (kept.length > 0) this.fields = new HttpHeaders(kept)
  }
}
