// Content codings (RFC 9110, 8.4) undone and done: for addons, filters and outputs, never for bodies that pass unchanged.
import * as zlib from 'node:zlib'

/** What decoding may grow to: a few bytes of a bomb must not take the memory (promise 33). */
const MAX_DECODED = 32 * 1024 * 1024
/** Codings on top of each other, as many as curl undoes. */
const MAX_CODINGS = 5

/** A body without its codings, as far as they could be undone. */
export interface Decoded {
  readonly content: Buffer
  /** Why `content` is not the whole body decoded; undefined where it is. */
  readonly error: string | undefined
}

interface Coding {
  decode(bytes: Buffer, options: zlib.ZlibOptions & zlib.BrotliOptions): Buffer
  encode(bytes: Buffer): Buffer
  /** The flag with which a decoder takes the end of its input for a pause, so that a stream that was cut is no error. */
  readonly pause: number
}

/** Node 22.15 and later have zstd; the types are of Node 20. */
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
/** Brotli's own default takes a second for a megabyte; this level is as fast as gzip. */
const BROTLI = { params: { [BROTLI_PARAM_QUALITY]: 4 } }

const gzip: Coding = { decode: zlib.gunzipSync, encode: (bytes) => zlib.gzipSync(bytes), pause: Z_SYNC_FLUSH }

const CODINGS: Partial<Record<string, Coding>> = {
  gzip,
  'x-gzip': gzip,
  deflate: {
    // RFC 9110, 8.4.1.2: zlib's format; some servers send the bare stream.
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

/** RFC 1950, 2.2: the method is 8, and the first two bytes are a multiple of 31. */
function hasZlibHeader(bytes: Buffer): boolean {
  const [first = 0] = bytes
  return (first & 0x0f) === 8 && (bytes.length < 2 || bytes.readUInt16BE(0) % 31 === 0)
}

/** The names in a Content-Encoding field, in the order in which they were applied; `identity` changes nothing. */
function namesOf(encoding: string | undefined): string[] {
  if (!encoding) return []
  const names = encoding.toLowerCase().split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/**
 * `content` without the codings of a Content-Encoding field, as far as can be: the readable part where a stream is cut, damaged
 * or decodes to more than 32 MiB; the bytes as they are where a coding is unknown, or where they are not in it.
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
    // What is not in this coding, or has nothing left, is not in those below it either.
    if (decoded === bytes || decoded.length === 0) return { content: decoded, error: first }
    bytes = decoded
  }
  return { content: bytes, error: first }
}

/** `content` in the codings of a Content-Encoding field; undefined where one of them is unknown. */
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
 * Whether bytes are plain text. Brotli and bare deflate have no signature, and their decoders make a few bytes of nearly any
 * text before they refuse it; a compressed stream has control characters, or is no UTF-8.
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

/** What a stream that may be cut decodes to; undefined where it is damaged, or decodes to too much. */
function paused(coding: Coding, bytes: Buffer): Buffer | undefined {
  try {
    return coding.decode(bytes, { maxOutputLength: MAX_DECODED, finishFlush: coding.pause })
  } catch {
    return undefined
  }
}

/** A checksum at the end of a stream: gzip has eight bytes of it, zlib and zstd four. */
const MAX_CHECKSUM = 8
/** The beginning that is tried first, and how much longer each next one is. */
const SHORTEST = 64
const GROWTH = 4
/** They find the damage to a twentieth of what stands before it, and bound the work: each decodes up to 32 MiB. */
const BISECTIONS = 6

/** The longest beginning that can be decoded, or nearly; Node's decoders give nothing back where they meet damage. */
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
  // Where only the checksum is wrong, everything can be read.
  if (bisections > 0 && bytes.length > MAX_CHECKSUM + 1) attempt(bytes.length - MAX_CHECKSUM - 1)
  if (good > 0) return content
  for (let end = Math.min(SHORTEST, bad - 1); end > good && end < bad; end *= GROWTH) attempt(end)
  for (let step = 0; step < bisections && bad - good > 1; step++) attempt((good + bad) >> 1)
  return content
}
