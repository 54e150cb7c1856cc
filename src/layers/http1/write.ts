// Writes heads, chunks and trailers. What could not be read back as the same one message is refused: an addon may have made it.
import { type HttpHeaders, isFieldValue, isToken } from '../../flow/headers.js'
import { Http1Error, quoted } from './error.js'
import { targetProblem } from './head.js'
import { checkTrailerName } from './trailers.js'

export interface WritableRequestHead {
  method: string
  target: string
  /** `1.0`; whatever else is written as HTTP/1.1. */
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

/** Throws an Http1Error with 502 for a method, target, name or value that cannot be written. */
export function writeRequestHead(head: WritableRequestHead): Buffer {
  const { method, target } = head
  if (!isToken(method)) throw unwritable(`the method ${quoted(method)} is no token`)
  if (!TARGET.test(target)) {
    throw unwritable(`the target ${quoted(target)} has a space, a control character or one above U+00FF`)
  }
  const problem = targetProblem(method, target)
  if (problem) throw unwritable(problem)
  return finish(`${method} ${target} ${head.version === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1'}\r\n`, head.headers)
}

/** Throws an Http1Error with 502 for a status, reason, name or value that cannot be written. */
export function writeResponseHead(head: WritableResponseHead): Buffer {
  const { status, reason } = head
  if (!(Number.isInteger(status) && status >= 100 && status <= 999)) {
    throw unwritable(`the status ${status} is not three digits from 100 on`)
  }
  if (!isFieldValue(reason))
    throw unwritable(`the reason ${quoted(reason)} has a control character or one above U+00FF`)
  return finish(`${head.version === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1'} ${status} ${reason}\r\n`, head.headers)
}

/** The size line of a chunk of `length` bytes, which must not be 0; the chunk's data and CRLF follow it. */
export function chunkHead(length: number): Buffer {
  return Buffer.from(`${length.toString(16)}\r\n`, 'latin1')
}

/** A whole chunk, in one buffer. Of no data: nothing, for an empty chunk would be the last. */
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

/** The last chunk, with its trailers. Throws an Http1Error with 502 for what cannot be one. */
export function lastChunk(trailers?: HttpHeaders): Buffer {
  if (!trailers || trailers.raw.length === 0) return LAST_CHUNK
  const { raw } = trailers
  for (let at = 0; at < raw.length; at += 2) checkTrailerName(raw[at] as string, 'response')
  return finish('0\r\n', trailers)
}

/** Ends every chunk's data. */
export const CRLF = Buffer.from('\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const NOTHING = Buffer.alloc(0)

function finish(first: string, headers: HttpHeaders): Buffer {
  const { raw } = headers
  let text = first
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (!isToken(name)) throw unwritable(`the field name ${quoted(name)} is no token`)
    if (!isFieldValue(value)) {
      throw unwritable(`the value of ${name} has a control character or one above U+00FF: ${quoted(value)}`)
    }
    text += `${name}: ${value}\r\n`
  }
  text += '\r\n'
  // Every character is a byte by now. This way costs a fifth less than Buffer.from.
  const buffer = Buffer.allocUnsafe(text.length)
  buffer.write(text, 0, 'latin1')
  return buffer
}

function unwritable(message: string): Http1Error {
  return new Http1Error(502, message)
}
