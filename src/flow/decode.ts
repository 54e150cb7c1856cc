// Content-Encoding undone, for people and filters: never for the traffic itself.
import * as zlib from 'node:zlib'

/** What decoding may grow to: a few bytes of a bomb must not take the memory (promise 33). */
const MAX_DECODED = 32 * 1024 * 1024

const options = { maxOutputLength: MAX_DECODED }

/** Node 22.15 and later have zstd; the types are of Node 20. */
const zstd = (zlib as { zstdDecompressSync?: (bytes: Buffer, options: object) => Buffer }).zstdDecompressSync

const DECODERS: Record<string, (bytes: Buffer) => Buffer> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => zlib.gunzipSync(bytes, options),
  'x-gzip': (bytes) => zlib.gunzipSync(bytes, options),
  // RFC 9110, 8.4.1.2: zlib's format; some servers send the bare stream.
  deflate: (bytes) =>
    ((bytes[0] ?? 0) & 0x0f) === 8 ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options),
  br: (bytes) => zlib.brotliDecompressSync(bytes, options),
  ...(zstd && { zstd: (bytes: Buffer) => zstd(bytes, options) }),
}

/** `content` without the encodings of a Content-Encoding field; undefined where one is unknown, or the bytes are damaged. */
export function decodeContent(content: Buffer, encoding: string | undefined): Buffer | undefined {
  if (!encoding || content.length === 0) return content
  let bytes = content
  for (const name of encoding.toLowerCase().split(',').reverse()) {
    const decode = DECODERS[name.trim()]
    if (!decode) return undefined
    try {
      bytes = decode(bytes)
    } catch {
      return undefined
    }
  }
  return bytes
}
