// Frames of RFC 6455, 5.2: what they are made of, and how they are written and masked.

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Opcodes from this one on are those of control frames. */
const FIRST_CONTROL = 8

/** The most bytes of a control frame's payload (RFC 6455, 5.5). */
export const MAX_CONTROL = 125

export class Frame {
  readonly fin: boolean
  /** The bit RSV1: the message is compressed (RFC 7692, 6); set in the first of its frames. */
  readonly compressed: boolean
  readonly opcode: number
  /** The whole frame as it came. */
  readonly raw: Buffer
  readonly #mask: Buffer | undefined
  readonly #masked: Buffer
  #payload: Buffer | undefined

  constructor(raw: Buffer, payload: Buffer, mask: Buffer | undefined) {
    const first = raw[0] as number
    this.fin = (first & 0x80) !== 0
    this.compressed = (first & 0x40) !== 0
    this.opcode = first & 0x0f
    this.raw = raw
    this.#masked = payload
    this.#mask = mask
  }

  get isControl(): boolean {
    return this.opcode >= FIRST_CONTROL
  }

  /** Bytes of the payload. */
  get length(): number {
    return this.#masked.length
  }

  /** The payload, unmasked. The bytes are those of `raw`, or a copy. */
  get payload(): Buffer {
    this.#payload ??= this.#mask ? masked(this.#masked, this.#mask, 0) : this.#masked
    return this.#payload
  }
}

export const isControl = (opcode: number): boolean => opcode >= FIRST_CONTROL

/** Fewer bytes than these are masked one by one. */
const FEW = 64

/**
 * A copy of the bytes, masked, or unmasked, which is the same (RFC 6455, 5.3). `offset`: how many bytes of the payload are before
 * them.
 */
export function masked(bytes: Uint8Array, mask: Uint8Array, offset: number): Buffer {
  const copy = Buffer.from(bytes)
  const key = Uint8Array.of(0, 1, 2, 3).map((index) => mask[(index + offset) & 3] as number)
  let at = 0
  if (copy.length >= FEW && copy.byteOffset % 4 === 0) {
    const words = new Uint32Array(copy.buffer, copy.byteOffset, copy.length >> 2)
    const [word = 0] = new Uint32Array(key.buffer)
    for (let index = 0; index < words.length; index += 1) words[index] = (words[index] as number) ^ word
    at = words.length * 4
  }
  for (; at < copy.length; at += 1) copy[at] = (copy[at] as number) ^ (key[at & 3] as number)
  return copy
}

export interface NewFrame {
  readonly opcode: number
  readonly payload: Buffer
  /** Default: false. */
  readonly compressed?: boolean
  /** Four bytes that nobody can guess, in frames to a server; undefined in those to a client. */
  readonly mask: Buffer | undefined
}

/** A frame that is a message, or a control frame, by itself. */
export function frameBytes({ opcode, payload, compressed = false, mask }: NewFrame): Buffer {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 0x1_00_00 ? 2 : 8
  const head = Buffer.alloc(2 + extended)
  head[0] = 0x80 | (compressed ? 0x40 : 0) | opcode
  head[1] = (mask ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) head.writeUInt16BE(length, 2)
  else if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat(mask ? [head, mask, masked(payload, mask, 0)] : [head, payload])
}

/**
 * A mask that nobody can guess (RFC 6455, 10.3), from a random UUID: its first eight digits are all random (RFC 9562, 5.4).
 */
export const maskFrom = (uuid: string): Buffer => {
  const mask = Buffer.alloc(4)
  mask.writeUInt32BE(Number.parseInt(uuid.slice(0, 8), 16) >>> 0)
  return mask
}
