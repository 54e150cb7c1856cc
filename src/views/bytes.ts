// Reads numbers and pieces of bytes one after the other, in network order unless the name says otherwise.

/** What stands in the content does not have its form. */
export class Broken extends Error {
  constructor(message = 'it ends too early') {
    super(message)
    this.name = 'Broken'
  }
}

export class ByteReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  /** The next bytes. Throws Broken where there are not so many. */
  take(count: number): Buffer {
    if (!(count <= this.left)) throw new Broken()
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  u8 = (): number => this.take(1).readUInt8(0)
  u16 = (): number => this.take(2).readUInt16BE(0)
  u32 = (): number => this.take(4).readUInt32BE(0)
  u64 = (): bigint => this.take(8).readBigUInt64BE(0)
}
