// Reads frames from bytes as they come, and checks their order, their lengths, and that text is UTF-8, as early as it can be known.
import { isUtf8 } from 'node:buffer'
import { CLOSE, WebSocketError } from './error.js'
import { Frame, isControl, masked, OPCODE } from './frame.js'
import { Growing } from './growing.js'
import { type Dialect, type Head, protocolError, readHead, tooLong } from './head.js'
import { Utf8Check } from './utf8.js'

/** The most bytes of a message, of all its frames together; the same holds for what a compressed message becomes. */
export const MAX_MESSAGE = 64 * 1024 * 1024

/** A message whose last frame has not come. */
interface Begun {
  /** Bytes of its payload, those of the frame that comes included. */
  length: number
  /** Undefined where the bytes are not text: a binary message, or a compressed one. */
  readonly utf8: Utf8Check | undefined
}

export const notUtf8 = (): WebSocketError => new WebSocketError(CLOSE.invalidData, 'a text message that is not UTF-8')

export class FrameReader {
  readonly #dialect: Dialect
  readonly #input = new Growing()
  /** The head of the frame that comes. */
  #head: Head | undefined
  /** Bytes of that frame's payload that were looked at before the whole frame was there. */
  #checked = 0
  #begun: Begun | undefined

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  push(bytes: Buffer): void {
    this.#input.append(bytes)
  }

  /** The next frame; undefined until more bytes have come. Throws a WebSocketError, after which nothing may be read. */
  next(): Frame | undefined {
    const { bytes } = this.#input
    this.#head ??= this.#begin(bytes)
    const head = this.#head
    if (!head) return undefined
    const end = head.size + head.length
    const mask = this.#dialect.masked ? bytes.subarray(head.size - 4, head.size) : undefined
    const frame = new Frame(bytes.subarray(0, end), bytes.subarray(head.size, end), mask)
    if (bytes.length < end) {
      this.#checkAhead(head, frame, mask)
      return undefined
    }
    if (!frame.isControl) this.#finish(frame, mask)
    this.#input.drop(end)
    this.#head = undefined
    this.#checked = 0
    return frame
  }

  /** Reads a head, and enters its frame into the message that it is of (RFC 6455, 5.4). */
  #begin(bytes: Buffer): Head | undefined {
    const head = readHead(bytes, this.#dialect)
    if (!head || isControl(head.opcode)) return head
    if (head.opcode === OPCODE.continuation) {
      if (!this.#begun) throw protocolError('a continuation without a message')
      this.#begun.length += head.length
    } else {
      if (this.#begun) throw protocolError('a message that begins within another')
      const isText = head.opcode === OPCODE.text && !head.compressed
      this.#begun = { length: head.length, utf8: isText ? new Utf8Check() : undefined }
    }
    if (this.#begun.length > MAX_MESSAGE) throw tooLong()
    return head
  }

  /** Looks at a frame of text of which only a part is there. */
  #checkAhead(head: Head, part: Frame, mask: Buffer | undefined): void {
    const utf8 = isControl(head.opcode) ? undefined : this.#begun?.utf8
    if (utf8) this.#check(utf8, part, mask)
  }

  #check(utf8: Utf8Check, frame: Frame, mask: Buffer | undefined): void {
    const fresh = frame.raw.subarray(frame.raw.length - frame.length + this.#checked)
    if (!utf8.take(mask ? masked(fresh, mask, this.#checked) : fresh)) throw notUtf8()
    this.#checked = frame.length
  }

  #finish(frame: Frame, mask: Buffer | undefined): void {
    const utf8 = this.#begun?.utf8
    if (frame.fin) this.#begun = undefined
    if (!utf8) return
    // Most messages come whole, in one frame.
    if (frame.fin && frame.opcode === OPCODE.text && this.#checked === 0) {
      if (!isUtf8(frame.payload)) throw notUtf8()
      return
    }
    this.#check(utf8, frame, mask)
    if (frame.fin && !utf8.complete) throw notUtf8()
  }
}
