// Cuts `text/event-stream` into its events (HTML, 9.2), and writes an event that was changed.
import type { MessageParts, MessageView } from '../../../flow/stream-message.js'
import { Held } from './held.js'
import type { Splitter, Unit } from './splitter.js'

const CR = 13
const LF = 10
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * An event is what stands up to an empty line, and has a field `data`. What has none (comments, `retry` alone) passes without a message,
 * and so does an event whose end does not come. Lines end in LF, CR or CRLF.
 */
export class SseSplitter implements Splitter {
  readonly kind = 'sse'
  readonly #held = new Held()
  #lineEmpty = true
  #afterCr = false
  /** The byte before was the last of an event. */
  #ended = false
  /** No event has begun yet: there may be a byte order mark. */
  #first = true

  push(chunk: Buffer): Unit[] {
    const units: Unit[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      const paired = byte === LF && this.#afterCr
      this.#afterCr = byte === CR
      if (paired) {
        // The LF of a CRLF whose CR has ended an event: the event went on at once, and the LF follows by itself.
        if (this.#ended) {
          units.push({ raw: chunk.subarray(at, at + 1) })
          start = at + 1
        }
        continue
      }
      this.#ended = false
      if (byte !== CR && byte !== LF) this.#lineEmpty = false
      else if (!this.#lineEmpty) this.#lineEmpty = true
      else {
        if (byte === CR && chunk[at + 1] === LF) {
          this.#afterCr = false
          at++
        }
        this.#ended = true
        this.#event(chunk.subarray(start, at + 1), units)
        start = at + 1
      }
    }
    const rest = this.#held.add(start === 0 ? chunk : chunk.subarray(start))
    if (rest) units.push({ raw: rest })
    return units
  }

  end(): Unit[] {
    const { raw } = this.#held.complete(Buffer.alloc(0))
    return raw.length > 0 ? [{ raw }] : []
  }

  #event(last: Buffer, units: Unit[]): void {
    let { raw, whole } = this.#held.complete(last)
    if (this.#first && raw.subarray(0, MARK.length).equals(MARK)) {
      units.push({ raw: raw.subarray(0, MARK.length) })
      raw = raw.subarray(MARK.length)
    }
    this.#first = false
    const message = whole ? readEvent(raw) : undefined
    units.push(message ? { raw, message } : { raw })
  }
}

/** A line of an event. Bytes are held as Latin-1, so that none is lost that is not UTF-8. */
interface Line {
  name: string
  value: string
  text: string
}

function linesOf(raw: Buffer): Line[] {
  const lines = raw.toString('latin1').split(/\r\n|\r|\n/)
  return lines
    .filter((line) => line !== '')
    .map((text) => {
      const colon = text.indexOf(':')
      if (colon === -1) return { name: text, value: '', text }
      return { name: text.slice(0, colon), value: text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1), text }
    })
}

const fromLatin = (text: string) => Buffer.from(text, 'latin1')

function readEvent(raw: Buffer): MessageView | undefined {
  const lines = linesOf(raw)
  const data = lines.filter(({ name }) => name === 'data')
  if (data.length === 0) return undefined
  const last = (wanted: string, allowed: RegExp) => {
    const value = lines.findLast(({ name, value }) => name === wanted && allowed.test(value))?.value
    return value === undefined ? undefined : fromLatin(value).toString()
  }
  const event = last('event', /^/)
  const id = last('id', /^[^\0]*$/)
  const retry = last('retry', /^\d+$/)
  return {
    kind: 'sse',
    event,
    id,
    retry: retry === undefined ? undefined : Number(retry),
    read: () => ({ content: fromLatin(data.map(({ value }) => value).join('\n')), error: undefined }),
    refuse: () => undefined,
    write: (parts) => writeEvent(raw, lines, { event, id }, parts),
  }
}

/** Lines that are not changed stay, comments among them; one that is stands where the first of its name stood, or before all others. */
function writeEvent(
  raw: Buffer,
  lines: readonly Line[],
  before: { event: string | undefined; id: string | undefined },
  parts: MessageParts,
): Buffer {
  const fresh = new Map<string, string[]>()
  for (const name of ['id', 'event'] as const) {
    const value = parts[name]
    if (value !== before[name]) fresh.set(name, value === undefined ? [] : [field(name, Buffer.from(value))])
  }
  if (parts.content) {
    const values = parts.content.toString('latin1').split(/\r\n|\r|\n/)
    fresh.set(
      'data',
      values.map((value) => field('data', fromLatin(value))),
    )
  }
  const out: string[] = []
  const written = new Set<string>()
  for (const { name, text } of lines) {
    const instead = fresh.get(name)
    if (!instead) out.push(text)
    else if (!written.has(name)) out.push(...instead)
    written.add(name)
  }
  for (const [name, instead] of fresh) if (!written.has(name)) out.unshift(...instead)
  const ending = /\r\n|\r|\n/.exec(raw.toString('latin1'))?.[0] ?? '\n'
  return fromLatin(out.map((line) => line + ending).join('') + ending)
}

function field(name: string, value: Buffer): string {
  return value.length === 0 ? `${name}:` : `${name}: ${value.toString('latin1')}`
}
