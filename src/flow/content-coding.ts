// Decodes and encodes content codings (RFC 9110, 8.4), for addons, filters and outputs. A body that passes unchanged is never decoded.
import * as zlib from 'node:zlib'

/** The most bytes that a body may decode to: a bomb of a few bytes must not fill the memory (promise 33). */
const MAX_DECODED = 32 * 1024 * 1024
/** The most codings of one body that are decoded, as many as in curl: each of them may cost as much as a bomb. */
const MAX_CODINGS = 5

/** A body without its codings, as far as it could be decoded. */
export interface Decoded {
  readonly content: Buffer
  /** Why `content` is not the whole body decoded; undefined where it is. */
  readonly error: string | undefined
}

interface Coding {
  decode(bytes: Buffer, options: zlib.ZlibOptions & zlib.BrotliOptions): Buffer
  encode(bytes: Buffer): Buffer
  /** The `finishFlush` with which the decoder gives what it has at the end of its input, instead of an error for a cut stream. */
  readonly pause: number
}

/** zstd is in Node 22.15 and later; our type definitions are those of Node 20. */
const { zstdDecompressSync, zstdCompressSync } = zlib as {
  zstdDecompressSync?: Coding['decode']
  zstdCompressSync?: Coding['encode']
}
const zstd = zstdDecompressSync &&
  zstdCompressSync && {
    decode: zstdDecompressSync,
    encode: (bytes: Buffer) => zstdCompressSync(bytes),
    pause: (zlib.constants as { ZSTD_e_flush?: number }).ZSTD_e_flush ?? 1,
  }

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, BROTLI_PARAM_QUALITY } = zlib.constants
/** Brotli's default level takes a second for a megabyte; this one is as fast as gzip. */
const BROTLI = { params: { [BROTLI_PARAM_QUALITY]: 4 } }

const gzip: Coding = { decode: zlib.gunzipSync, encode: (bytes) => zlib.gzipSync(bytes), pause: Z_SYNC_FLUSH }

const CODINGS: Partial<Record<string, Coding>> = {
  gzip,
  'x-gzip': gzip,
  deflate: {
    // RFC 9110, 8.4.1.2, says zlib's format; some servers send a deflate stream without zlib's header.
    decode: (bytes, options) =>
      hasZlibHeader(bytes) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options),
    encode: (bytes) => zlib.deflateSync(bytes),
    pause: Z_SYNC_FLUSH,
  },
  br: {
    decode: zlib.brotliDecompressSync,
    encode: (bytes) => zlib.brotliCompressSync(bytes, BROTLI),
    pause: BROTLI_OPERATION_FLUSH,
  },
  ...(zstd && { zstd }),
}

/** In a zlib header (RFC 1950, 2.2) the method is 8, and the first two bytes are a multiple of 31. */
function hasZlibHeader(bytes: Buffer): boolean {
  const [first = 0] = bytes
  return (first & 0x0f) === 8 && (bytes.length < 2 || bytes.readUInt16BE(0) % 31 === 0)
}

/** The codings of a Content-Encoding field, in the order in which they were applied, without `identity`, which changes nothing. */
function namesOf(encoding: string | undefined): string[] {
  if (!encoding) return []
  const names = encoding.toLowerCase().split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/**
 * Decodes `content` from the codings of a Content-Encoding field. Where a stream is cut, damaged, or decodes to more than 32 MiB,
 * the result is the part that can be read; where a coding is unknown, or the bytes are not in it, they stay as they are.
 */
export function decodeContent(content: Buffer, encoding: string | undefined): Decoded {
  const names = namesOf(encoding)
  if (content.length === 0 || names.length === 0) return { content, error: undefined }
  if (names.length > MAX_CODINGS) {
    return { content, error: `there are ${names.length} content codings, and at most ${MAX_CODINGS} are undone` }
  }
  let bytes = content
  let first: string | undefined
  for (const name of names.reverse()) {
    const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined
    if (!coding) return { content: bytes, error: first ?? unknown(name) }
    const { content: decoded, error } = decodeOne(name, coding, bytes)
    first ??= error
    // Bytes that are not in this coding, or of which nothing could be read, are not in the next one either.
    if (decoded === bytes || decoded.length === 0) return { content: decoded, error: first }
    bytes = decoded
  }
  return { content: bytes, error: first }
}

/** Encodes `content` in the codings of a Content-Encoding field; undefined where one of them is unknown. */
export function encodeContent(content: Buffer, encoding: string | undefined): Buffer | undefined {
  const names = namesOf(encoding)
  if (names.length > MAX_CODINGS) return undefined
  let bytes = content
  for (const name of names) {
    const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined
    if (!coding) return undefined
    bytes = coding.encode(bytes)
  }
  return bytes
}

function unknown(name: string): string {
  if (name === 'zstd') return 'zstd cannot be decoded by this Node.js: 22.15 and later can'
  return `the content coding ${JSON.stringify(name.slice(0, 40))} is unknown: these are the bytes as they came`
}

function decodeOne(name: string, coding: Coding, bytes: Buffer): Decoded {
  let fault: NodeJS.ErrnoException
  try {
    return { content: coding.decode(bytes, { maxOutputLength: MAX_DECODED }), error: undefined }
  } catch (error) {
    fault = error as NodeJS.ErrnoException
  }
  const isFalse = { content: bytes, error: `the body is not ${name}, as Content-Encoding says: these are its bytes` }
  if (isText(bytes)) return isFalse
  if (fault.code === 'ERR_BUFFER_TOO_LARGE') {
    const content = readable(coding, bytes, 0)
    return { content, error: `the ${name} body decodes to more than 32 MiB: this is only its beginning` }
  }
  const cut = paused(coding, bytes)
  if (cut) return { content: cut, error: `the ${name} body is cut short: this is what could be decoded of it` }
  const content = readable(coding, bytes, BISECTIONS)
  if (content.length === 0) return isFalse
  const what = fault.message.startsWith('Decompression') ? '' : ` (${fault.message})`
  return { content, error: `the ${name} body is damaged${what}: this is what could be decoded of it` }
}

/**
 * Whether bytes are plain text, so that Content-Encoding is false. The decoders of brotli and bare deflate cannot tell: these
 * have no signature, and nearly any text decodes to a few bytes before it is refused. A compressed stream has control characters, or
 * is not UTF-8.
 */
function isText(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 512)
  if (start.some((byte) => (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 0x7f)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true })
    return true
  } catch {
    return false
  }
}

/** Decodes a stream that may be cut; undefined where it is damaged, or decodes to more than 32 MiB. */
function paused(coding: Coding, bytes: Buffer): Buffer | undefined {
  try {
    return coding.decode(bytes, { maxOutputLength: MAX_DECODED, finishFlush: coding.pause })
  } catch {
    return undefined
  }
}

/** The most bytes of checksum at the end of a stream: gzip has eight, zlib and zstd have four. */
const MAX_CHECKSUM = 8
/** Bytes of the first beginning that is tried, and how many times longer each next one is. */
const SHORTEST = 64
const GROWTH = 4
/** Bisections between the longest beginning that decodes and the shortest that does not. Each may decode 32 MiB, so they are few. */
const BISECTIONS = 6

/** Decodes nearly the longest beginning that decodes. Where Node's decoders meet damage, they give nothing of what they have decoded. */
function readable(coding: Coding, bytes: Buffer, bisections: number): Buffer {
  let content: Buffer = Buffer.alloc(0)
  let good = 0
  let bad = bytes.length
  const attempt = (end: number) => {
    const part = paused(coding, bytes.subarray(0, end))
    if (part) {
      content = part
      good = end
    } else bad = end
  }
  // A stream in which only the checksum is wrong can be read as a whole.
  if (bisections > 0 && bytes.length > MAX_CHECKSUM + 1) attempt(bytes.length - MAX_CHECKSUM - 1)
  if (good > 0) return content
  for (let end = Math.min(SHORTEST, bad - 1); end > good && end < bad; end *= GROWTH) attempt(end)
  for (let step = 0; step < bisections && bad - good > 1; step++) attempt((good + bad) >> 1)
  return content
}
