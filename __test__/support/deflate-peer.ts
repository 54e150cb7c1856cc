// A peer's permessage-deflate, by zlib's streams: it keeps its window from message to message as other implementations do.
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'

const TAIL = Buffer.from([0, 0, 0xff, 0xff])

/** Writes bytes to a stream of zlib's, and reads what is out after a flush. */
async function through(stream: DeflateRaw | InflateRaw, bytes: Buffer): Promise<Buffer> {
  const out: Buffer[] = []
  const take = (data: Buffer) => out.push(data)
  stream.on('data', take)
  await new Promise<void>((resolve) => {
    stream.write(bytes, () => stream.flush(constants.Z_SYNC_FLUSH, () => resolve()))
  })
  stream.off('data', take)
  return Buffer.concat(out)
}

export class DeflatePeer {
  readonly #deflate: () => DeflateRaw
  readonly #inflate: () => InflateRaw

  constructor(takeOver = true, windowBits = 15) {
    const kept = { deflate: createDeflateRaw({ windowBits }), inflate: createInflateRaw({ windowBits }) }
    this.#deflate = () => (takeOver ? kept.deflate : createDeflateRaw({ windowBits }))
    this.#inflate = () => (takeOver ? kept.inflate : createInflateRaw({ windowBits }))
  }

  async compress(content: Buffer): Promise<Buffer> {
    const bytes = await through(this.#deflate(), content)
    return bytes.subarray(0, bytes.length - TAIL.length)
  }

  decompress(payload: Buffer): Promise<Buffer> {
    return through(this.#inflate(), Buffer.concat([payload, TAIL]))
  }
}
