// permessage-deflate (RFC 7692) of one direction, as a function of the plaintext before: the window is zlib's preset dictionary.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { CLOSE, WebSocketError } from './error.js'
import type { DeflateTerms } from './extensions.js'
import { protocolError, tooLong } from './head.js'

/** The end of a sync flush, which senders leave out (RFC 7692, 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])

/** An empty message: one byte of an empty block whose rest is the tail (RFC 7692, 7.2.3.6). */
const EMPTY_MESSAGE = Buffer.from([0x00])

/** The most streams in a message: a sender may end one with BFINAL and begin another (RFC 7692, 7.2.3.4), and each costs a decoder. */
const MAX_STREAMS = 64

/** zlib cannot make a window of 2^8 bytes: without matches a message is right for any window. */
const LEAST_BITS = 9

const NONE = Buffer.alloc(0)

export class Deflate {
  readonly #terms: DeflateTerms
  /** The last bytes that the sender has compressed, before and after the message that was decompressed last. */
  #before: Buffer = NONE
  #after: Buffer = NONE
  /** The last bytes that midwire has compressed for the receiver; undefined while the sender's own messages go on as they came. */
  #own: Buffer | undefined

  constructor(terms: DeflateTerms) {
    this.#terms = terms
  }

  /**
   * The receiver's window is not the sender's any more, since a message was changed or dropped: compressed messages of the sender mean
   * nothing to the receiver, and all have to be compressed anew.
   */
  get isOwn(): boolean {
    return this.#own !== undefined
  }

  /** Decompresses the payload of a message. Throws a WebSocketError where it cannot be, or becomes longer than `limit` bytes. */
  inflate(payload: Buffer, limit: number): Buffer {
    const content = inflateAll(Buffer.concat([payload, TAIL]), this.#after, limit, this.#size)
    if (this.#terms.takeOver) {
      this.#before = this.#after
      this.#after = tailOf(this.#after, content, this.#size)
    }
    return content
  }

  /** The message that was decompressed last does not go on as it came. */
  depart(): void {
    if (this.#terms.takeOver) this.#own ??= this.#before
  }

  /** Compresses a message for the receiver, in the place of one that has departed. */
  deflate(content: Buffer): Buffer {
    const { windowBits } = this.#terms
    if (content.length === 0) return EMPTY_MESSAGE
    const own = this.#own ?? NONE
    const payload = deflateRawSync(content, {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: Math.max(windowBits, LEAST_BITS),
      ...(windowBits < LEAST_BITS && { strategy: constants.Z_HUFFMAN_ONLY }),
      ...(own.length > 0 && { dictionary: own }),
    })
    if (this.#own) this.#own = tailOf(own, content, this.#size)
    return payload.subarray(0, payload.length - TAIL.length)
  }

  get #size(): number {
    return 2 ** this.#terms.windowBits
  }
}

function inflateAll(bytes: Buffer, dictionary: Buffer, limit: number, size: number): Buffer {
  const parts: Buffer[] = []
  let length = 0
  let window = dictionary
  let rest = bytes
  for (let streams = 0; rest.length > 0; streams += 1) {
    if (streams === MAX_STREAMS) throw protocolError(`a compressed message of more than ${MAX_STREAMS} streams`)
    const { content, taken } = inflateOne(rest, window, limit - length)
    rest = rest.subarray(taken)
    // Nearly always it is one stream, which ends with the message.
    if (rest.length === 0 && parts.length === 0) return content
    parts.push(content)
    length += content.length
    window = tailOf(window, content, size)
  }
  return Buffer.concat(parts)
}

/** One stream, up to the end of the bytes or to a block with BFINAL. */
function inflateOne(bytes: Buffer, dictionary: Buffer, limit: number): { content: Buffer; taken: number } {
  try {
    const { buffer, engine } = inflateRawSync(bytes, {
      finishFlush: constants.Z_SYNC_FLUSH,
      // A message may fill the limit exactly, and another stream may follow that is empty.
      maxOutputLength: Math.max(1, limit),
      info: true,
      ...(dictionary.length > 0 && { dictionary }),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    if (buffer.length > limit) throw tooLong()
    return { content: buffer, taken: engine.bytesWritten }
  } catch (error) {
    if (error instanceof WebSocketError) throw error
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong()
    throw new WebSocketError(CLOSE.invalidData, 'a compressed message that cannot be decompressed')
  }
}

/** The last `size` bytes of both. A copy: what it is made of is not kept. */
function tailOf(before: Buffer, after: Buffer, size: number): Buffer {
  if (after.length >= size) return Buffer.from(after.subarray(after.length - size))
  return Buffer.concat([before.subarray(Math.max(0, before.length + after.length - size)), after])
}
