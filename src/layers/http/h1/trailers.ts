// Reads the trailer section after a chunked body (RFC 9112, 7.1.2; RFC 9110, 6.5).
import { HttpHeaders } from '../../../flow/headers.js'
import { fault, HttpError, type Side, shown } from '../error.js'
import { CR, LF } from './bytes.js'
import { MAX_HEAD, parseFields } from './fields.js'
import { type Noted, note, regularSection } from './irregular.js'

/** Trailers that are refused: a receiver that merges them into the head would frame or route the message in another way. */
const REFUSED = new Set(['content-length', 'transfer-encoding', 'host'])

/**
 * Trailers that are dropped, so that no receiver merges them into the head: fields that have a meaning only before the body
 * (RFC 9110, 6.5.1: connection, authentication, conditions and controls of requests, the form of the content).
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

/** Throws for a trailer that could change where a message ends or goes. */
export function checkTrailerName(name: string, side: Side): void {
  if (REFUSED.has(name.toLowerCase())) throw fault(side, `${name} cannot be a trailer`)
}

const START = 0
const START_LF = 1
const LINE = 2
const LINE_LF = 3

/** Collects a trailer section until its empty line, then reads it. */
export class TrailerReader {
  done = false
  /** Undefined where the section has no fields, or only dropped ones. */
  fields: HttpHeaders | undefined
  readonly #side: Side
  /** The message that keeps notes of odd forms; undefined where odd forms are refused. */
  readonly #noted: Noted | undefined
  #state = START
  #size = 0
  readonly #held: Buffer[] = []

  constructor(side: Side, noted: Noted | undefined) {
    this.#side = side
    this.#noted = noted
  }

  /** Returns the index after the last byte that was read: before the buffer's end only when the section is complete. */
  read(buffer: Buffer, from: number): number {
    let state = this.#state
    let at = from
    while (at < buffer.length) {
      const byte = buffer[at++] as number
      if (++this.#size > MAX_HEAD[this.#side]) throw tooLong(this.#side)
      const bare = byte === LF && (state === START || state === LINE)
      if (bare && !this.#noted) throw fault(this.#side, `the trailers have ${shown(byte)}`)
      if (bare || state === START_LF || state === LINE_LF) {
        if (byte !== LF) throw fault(this.#side, 'the trailers have a bare CR')
        if (state === START_LF || state === START) {
          this.#held.push(buffer.subarray(from, at))
          this.#finish()
          return at
        }
        state = START
      } else if (byte === CR) {
        state = state === START ? START_LF : LINE_LF
      } else {
        state = LINE
      }
    }
    this.#state = state
    // The part is copied, for a view would keep the whole buffer, which may be large; sections are seldom in parts.
    this.#held.push(Buffer.from(buffer.subarray(from, at)))
    return at
  }

  #finish(): void {
    this.done = true
    const bytes = Buffer.concat(this.#held)
    this.#held.length = 0
    const raw = this.#fieldsOf(bytes)
    const kept: string[] = []
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] as string
      checkTrailerName(name, this.#side)
      if (!DROPPED.has(name.toLowerCase())) kept.push(name, raw[at + 1] as string)
    }
    if (kept.length > 0) this.fields = new HttpHeaders(kept)
  }

  #fieldsOf(bytes: Buffer): string[] {
    const side = this.#side
    const text = bytes.toString('latin1')
    try {
      return parseFields(bytes, text, 0, 0, bytes.length, side)
    } catch (error) {
      if (!(error instanceof HttpError && this.#noted)) throw error
      const odd: Noted = {}
      const regular = regularSection({ text, side, hasFirstLine: false, relaxed: false }, odd)
      const raw = parseFields(Buffer.from(regular, 'latin1'), regular, 0, 0, regular.length, side)
      for (const what of odd.irregularities ?? []) note(this.#noted, `of its trailers, ${what}`)
      return raw
    }
  }
}

function tooLong(side: Side): Error {
  return fault(side, `the trailers are longer than ${MAX_HEAD[side]} bytes`, 431)
}
