// Bytes that never repeat and are the same everywhere: whatever is lost, doubled or moved changes the hash.
import { createCipheriv, createHash } from 'node:crypto'

const chunk = 64 * 1024
const zeros = Buffer.alloc(chunk)

/** The first `bytes` bytes, in chunks. */
export function* pattern(bytes: number): Generator<Buffer> {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'midwire'), Buffer.alloc(16))
  for (let left = bytes; left > 0; left -= chunk) yield stream.update(left < chunk ? zeros.subarray(0, left) : zeros)
}

export function patternBytes(bytes: number): Buffer {
  return Buffer.concat([...pattern(bytes)])
}

const known = new Map<number, string>()

/** SHA-256 of the first `bytes` bytes, in hex. */
export function patternHash(bytes: number): string {
  let digest = known.get(bytes)
  if (digest === undefined) {
    const hash = createHash('sha256')
    for (const part of pattern(bytes)) hash.update(part)
    digest = hash.digest('hex')
    known.set(bytes, digest)
  }
  return digest
}
