// Cuts a JSON text sequence (RFC 7464) into its texts.
import type { MessageView } from '../../../flow/stream-message.js'
import { Held } from './held.js'
import type { Splitter, Unit } from './splitter.js'

const RS = 0x1e
const LF = 10
const QUOTE = 34
const BACKSLASH = 92
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d
const isBlank = (byte: number) => byte === 32 || byte === 9 || byte === 10 || byte === 13

/**
 * A message is what stands from an RS to the LF behind its JSON text, within which lines may break, so it need not wait for the RS of
 * the next one. A text that is cut, as RFC 7464 (2.3) has it, goes on to the next RS, and is no message; nor is what is outside.
 */
export class JsonSequenceSplitter implements Splitter {
  readonly kind = 'ndjson'
  readonly #held = new Held()
  #inside = false
  #depth = 0
  #inString = false
  #escaped = false
  #blank = true

  push(chunk: Buffer): Unit[] {
    const units: Unit[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === RS) {
        this.#cut(chunk.subarray(start, at), units)
        start = at
        this.#begin()
      } else if (this.#inside && this.#ends(byte)) {
        const { raw, whole } = this.#held.complete(chunk.subarray(start, at + 1))
        units.push(whole ? { raw, message: text(raw) } : { raw })
        start = at + 1
        this.#inside = false
      }
    }
    const rest = this.#held.add(start === 0 ? chunk : chunk.subarray(start))
    if (rest) units.push({ raw: rest })
    return units
  }

  end(): Unit[] {
    const units: Unit[] = []
    this.#cut(Buffer.alloc(0), units)
    return units
  }

  #begin(): void {
    this.#inside = true
    this.#depth = 0
    this.#inString = false
    this.#escaped = false
    this.#blank = true
  }

  /** Passes what has come up to here, which no LF has ended. An object, array or string that is closed is whole without it (2.4). */
  #cut(last: Buffer, units: Unit[]): void {
    const closed = this.#inside && this.#depth === 0 && !this.#inString
    const { raw, whole } = this.#held.complete(last)
    if (raw.length === 0) return
    const ending = raw[raw.length - 1] as number
    const isText = whole && closed && (isClosing(ending) || (ending === QUOTE && raw.length > 2))
    units.push(isText ? { raw, message: text(raw) } : { raw })
  }

  /** Whether this byte ends the text: an LF behind all brackets. */
  #ends(byte: number): boolean {
    if (this.#escaped) this.#escaped = false
    else if (this.#inString) {
      if (byte === QUOTE) this.#inString = false
      else if (byte === BACKSLASH) this.#escaped = true
    } else if (byte === LF && this.#depth <= 0 && !this.#blank) return true
    else if (byte === QUOTE) this.#inString = true
    else if (isOpening(byte)) this.#depth++
    else if (isClosing(byte)) this.#depth--
    if (!isBlank(byte)) this.#blank = false
    return false
  }
}

function text(raw: Buffer): MessageView {
  let end = raw.length
  while (end > 1 && isBlank(raw[end - 1] as number)) end--
  const content = raw.subarray(1, end)
  return {
    kind: 'ndjson',
    read: () => ({ content, error: undefined }),
    refuse: (other) => (other.includes(RS) ? 'a text of a JSON sequence cannot have the byte 0x1e' : undefined),
    write: (parts) => Buffer.concat([Buffer.from([RS]), parts.content ?? content, Buffer.from('\n')]),
  }
}
