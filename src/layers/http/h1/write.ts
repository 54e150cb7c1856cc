// Writes heads, chunks and trailers. A message that would not be read back as the same one is refused: an addon may have made it.
import { type HttpHeaders, isFieldValue, isToken } from '../../../flow/headers.js'
import { HttpError, quoted } from '../error.js'
import { COLON, CR, FLAGS, LF, SPACE, TEXT, TOKEN } from './bytes.js'
import { targetProblem } from './head.js'
import { checkTrailerName } from './trailers.js'

export interface WritableRequestHead {
  method: string
  target: string
  /** `1.0`; any other is written as HTTP/1.1. */
  version: string
  headers: HttpHeaders
}

export interface WritableResponseHead {
  version: string
  status: number
  reason: string
  headers: HttpHeaders
}

const TARGET = /^[\x21-\x7e\x80-\xff]+$/

/** The head, and `body` behind it. Throws an HttpError with 502 for a method, target, name or value that cannot be written. */
export function writeRequestHead(head: WritableRequestHead, body?: Uint8Array): Buffer {
  const { method, target } = head
  if (!isToken(method)) throw unwritable(`the method ${quoted(method)} is no token`)
  if (!TARGET.test(target)) {
    throw unwritable(`the target ${quoted(target)} has a space, a control character or one above U+00FF`)
  }
  const problem = targetProblem(method, target)
  if (problem) throw unwritable(problem)
  // HTTP/1.0 has no Transfer-Encoding (RFC 9112, 6.1): a request whose length was known, and is no more, goes on as HTTP/1.1.
  const isOld = head.version === '1.0' && !head.headers.has('transfer-encoding')
  return finish(`${method} ${target} ${isOld ? 'HTTP/1.0' : 'HTTP/1.1'}\r\n`, head.headers, body)
}

/** The head, and `body` behind it. Throws an HttpError with 502 for a status, reason, name or value that cannot be written. */
export function writeResponseHead(head: WritableResponseHead, body?: Uint8Array): Buffer {
  const { status, reason } = head
  if (!(Number.isInteger(status) && status >= 100 && status <= 999)) {
    throw unwritable(`the status ${status} is not three digits from 100 on`)
  }
  if (!isFieldValue(reason))
    throw unwritable(`the reason ${quoted(reason)} has a control character or one above U+00FF`)
  return finish(`${head.version === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1'} ${status} ${reason}\r\n`, head.headers, body)
}

/**
 * The head of an interim response, without fields about a body or the connection: it has no body, and only the final response, which may
 * be a 502 of midwire's, says whether the connection persists (RFC 9110, 8.6 and 15.2; RFC 9112, 6.1).
 */
export function writeInterimHead(head: WritableResponseHead): Buffer {
  for (const name of ['content-length', 'transfer-encoding', 'trailer', 'connection', 'keep-alive'])
    head.headers.delete(name)
  return writeResponseHead(head)
}

/** A whole chunk in one buffer; an empty buffer for no data, since an empty chunk would be the last one. */
export function chunk(data: Uint8Array): Buffer {
  const { length } = data
  if (length === 0) return NOTHING
  const size = length.toString(16)
  const start = size.length + 2
  const buffer = Buffer.allocUnsafe(start + length + 2)
  buffer.write(size, 0, 'latin1')
  buffer.write('\r\n', size.length, 'latin1')
  buffer.set(data, start)
  buffer.write('\r\n', start + length, 'latin1')
  return buffer
}

/** The last chunk, with trailers. Throws an HttpError with 502 for a field that cannot be a trailer. */
export function lastChunk(trailers?: HttpHeaders): Buffer {
  if (!trailers || trailers.raw.length === 0) return LAST_CHUNK
  const { raw } = trailers
  for (let at = 0; at < raw.length; at += 2) checkTrailerName(raw[at] as string, 'response')
  return finish('0\r\n', trailers)
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const NOTHING = Buffer.alloc(0)

/** Writes a head in one pass over its characters, without strings in between, because this runs for every message. */
function finish(first: string, { raw }: HttpHeaders, body?: Uint8Array): Buffer {
  let length = first.length + 2
  for (let index = 0; index < raw.length; index += 2) {
    length += (raw[index] as string).length + (raw[index + 1] as string).length + 4
  }
  // A name or value that is not a string makes the sum NaN.
  if (!(length > 0)) throw misfit(raw)
  const buffer = Buffer.allocUnsafe(body ? length + body.length : length)
  let at = put(buffer, 0, first, ANY)
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    at = name === '' ? NOWHERE : put(buffer, at, name, TOKEN)
    buffer[at++] = COLON
    buffer[at++] = SPACE
    at = put(buffer, at, raw[index + 1] as string, TEXT)
    buffer[at++] = CR
    buffer[at++] = LF
  }
  buffer[at++] = CR
  buffer[at++] = LF
  if (at !== length) throw misfit(raw)
  if (body) buffer.set(body, length)
  return buffer
}

const ANY = 255
/** The index after text that cannot be written. Later writes then have no effect, and one check at the end finds it. */
const NOWHERE = Number.NEGATIVE_INFINITY

/** Writes the characters of `text`, and returns the index after them; NOWHERE where one is not a byte with the flag. */
function put(buffer: Buffer, from: number, text: string, flag: number): number {
  const { length } = text
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code > 255 || (flag !== ANY && ((FLAGS[code] as number) & flag) === 0)) return NOWHERE
    buffer[from + at] = code
  }
  return from + length
}

/** The error that names the field that cannot be written. */
function misfit(raw: readonly string[]): HttpError {
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at], raw[at + 1]]
    if (typeof name !== 'string' || typeof value !== 'string') return unwritable('a field is no pair of strings')
    if (!isToken(name)) return unwritable(`the field name ${quoted(name)} is no token`)
    if (!isFieldValue(value))
      return unwritable(`the value of ${name} has a control character or one above U+00FF: ${quoted(value)}`)
  }
  return unwritable('the first line has a character above U+00FF')
}

function unwritable(message: string): HttpError {
  return new HttpError(502, message)
}
