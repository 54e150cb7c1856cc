// Finds the ends of HTTP/1 heads, and reads them (RFC 9112, 2 to 5).
import { HttpHeaders } from '../../../flow/headers.js'
import { fault, HttpError, quoted, type Side, shown } from '../error.js'
import { all, CR, DIGIT, FLAGS, HOST, LF, SPACE, TARGET, TEXT, TOKEN } from './bytes.js'
import { MAX_HEAD, parseFields } from './fields.js'
import { looseHeadEnd, type Noted, regularSection } from './irregular.js'

export { MAX_FIELDS, MAX_HEAD } from './fields.js'

export type Http1Version = '1.0' | '1.1'

interface AnyHead extends Noted {
  /** The index after the head, set where that is before the end that `findHeadEnd` gave: the bytes from there on are not the head's. */
  end?: number
}

export interface RequestHead extends AnyHead {
  method: string
  /** As in the request line: `/path`, `http://host/path`, `host:port` for CONNECT, `*` for OPTIONS. */
  target: string
  version: Http1Version
  headers: HttpHeaders
}

export interface ResponseHead extends AnyHead {
  version: Http1Version
  /** 100 to 999. HTTP has none from 600 on, but some servers send them. */
  status: number
  /** As in the status line; may be empty. */
  reason: string
  headers: HttpHeaders
}

/**
 * How many bytes of those that were searched in vain the next search has to cover again:
 * `findHeadEnd(buffer, Math.max(start, searched - HEAD_OVERLAP))`.
 */
export const HEAD_OVERLAP = 3

const END = Buffer.from('\r\n\r\n')
const BARE_END = Buffer.from('\n\n')
const HALF_BARE_END = Buffer.from('\n\r\n')

/**
 * The index after the empty line that ends a head, or -1 where that has not come yet. Lines that end in bare LFs are seen, too: the
 * parser decides whether such a head is read or refused, and sets `end` where the head ends before the CRLF CRLF that is found here.
 */
export function findHeadEnd(buffer: Buffer, from: number): number {
  const end = buffer.indexOf(END, from)
  if (end !== -1) return end + 4
  const bare = buffer.indexOf(BARE_END, from)
  const half = buffer.indexOf(HALF_BARE_END, from)
  if (bare === -1) return half === -1 ? -1 : half + 3
  return half === -1 || bare < half ? bare + 2 : half + 3
}

/** The index after the empty lines before a request line, which are to be ignored (RFC 9112, 2.2). */
export function skipEmptyLines(buffer: Buffer, from: number): number {
  let at = from
  while (buffer[at] === CR && buffer[at + 1] === LF) at += 2
  return at
}

/**
 * Throws where a head that has not ended yet is too long already: 414 where the request line is, else 431. `start` is the index of the
 * head's first byte, `end` that after the last byte that has come.
 */
export function limitHead(buffer: Buffer, start: number, end: number, side: Side): void {
  if (end - start > MAX_HEAD[side]) throw tooLong(buffer, start, side)
}

function tooLong(buffer: Buffer, start: number, side: Side): HttpError {
  const limit = MAX_HEAD[side]
  const line = buffer.indexOf(LF, start)
  const first = line === -1 || line - start > limit
  const what = first && side === 'request' ? 'request line' : 'head'
  return fault(side, `the ${what} is longer than ${limit} bytes`, first ? 414 : 431)
}

/**
 * Reads the request head from `start` to `end`, as `findHeadEnd` gave it. Throws an HttpError. `relaxed`: an odd form with only one
 * meaning is made regular, as in a response, instead of refused.
 */
export function parseRequestHead(bytes: Buffer, start: number, end: number, relaxed = false): RequestHead {
  return relaxed
    ? readLoosely(bytes, start, end, 'request', true, strictRequestHead)
    : strictRequestHead(bytes, start, end)
}

function strictRequestHead(bytes: Buffer, start: number, end: number): RequestHead {
  limitHead(bytes, start, end, 'request')
  const text = bytes.toString('latin1', start, end)
  let at = start
  let byte = bytes[at] as number
  while (((FLAGS[byte] as number) & TOKEN) !== 0) byte = bytes[++at] as number
  if (byte !== SPACE || at === start) throw bad('request', 'method', byte, at - start)
  const method = text.slice(0, at - start)
  const from = ++at
  byte = bytes[at] as number
  while (((FLAGS[byte] as number) & TARGET) !== 0) byte = bytes[++at] as number
  if (byte !== SPACE || at === from) {
    if (byte === CR && at !== from) throw fault('request', 'the request line has no version: HTTP/0.9 is not supported')
    throw bad('request', 'target', byte, at - from)
  }
  const target = text.slice(from - start, at - start)
  const version = parseVersion(text, at + 1 - start, 'request')
  at += 9
  if (bytes[at] !== CR || bytes[at + 1] !== LF) throw bad('request', 'request line after its version', bytes[at], 0)
  checkTarget(method, target)
  const raw = parseFields(bytes, text, start, at + 2, end, 'request')
  checkHost(raw, version)
  return { method, target, version, headers: new HttpHeaders(raw) }
}

/**
 * Reads the response head from `start` to `end`, as `findHeadEnd` gave it. Throws an HttpError, always with 502. An odd form with only
 * one meaning is made regular; `relaxed` allows more of them.
 */
export function parseResponseHead(bytes: Buffer, start: number, end: number, relaxed = false): ResponseHead {
  return readLoosely(bytes, start, end, 'response', relaxed, strictResponseHead)
}

/** Reads a head strictly, and only where that finds a fault once more, with odd forms made regular. */
function readLoosely<Head extends AnyHead>(
  bytes: Buffer,
  start: number,
  end: number,
  side: Side,
  relaxed: boolean,
  read: (bytes: Buffer, start: number, end: number) => Head,
): Head {
  try {
    return read(bytes, start, end)
  } catch (error) {
    // A head whose lines end in LF may end before the first CRLF CRLF, which then belongs to the body.
    const ownEnd = looseHeadEnd(bytes, start, end)
    if (!(error instanceof HttpError) || ownEnd === -1 || ownEnd - start > MAX_HEAD[side]) throw error
    const text = bytes.toString('latin1', start, ownEnd)
    const noted: Noted = {}
    const regular = Buffer.from(regularSection({ text, side, hasFirstLine: true, relaxed }, noted), 'latin1')
    const head = read(regular, 0, regular.length)
    head.irregularities = noted.irregularities
    if (ownEnd < end) head.end = ownEnd
    return head
  }
}

function strictResponseHead(bytes: Buffer, start: number, end: number): ResponseHead {
  limitHead(bytes, start, end, 'response')
  const text = bytes.toString('latin1', start, end)
  const version = parseVersion(text, 0, 'response')
  let at = start + 8
  if (bytes[at] !== SPACE) throw bad('response', 'status line after its version', bytes[at], 0)
  const digits = text.slice(9, 12)
  const status = Number(digits)
  if (!all(digits, DIGIT) || digits.length !== 3 || status < 100) {
    throw fault('response', `the status is not three digits from 100 on: ${quoted(withinLine(text, 9, 3))}`)
  }
  at += 4
  let from = at
  let byte = bytes[at] as number
  if (byte === SPACE) {
    from = ++at
    byte = bytes[at] as number
    while (((FLAGS[byte] as number) & TEXT) !== 0) byte = bytes[++at] as number
  }
  if (byte !== CR || bytes[at + 1] !== LF) throw bad('response', 'reason phrase', byte, at - from)
  const reason = text.slice(from - start, at - start)
  const raw = parseFields(bytes, text, start, at + 2, end, 'response')
  return { version, status, reason, headers: new HttpHeaders(raw) }
}

function parseVersion(text: string, at: number, side: Side): Http1Version {
  if (text.startsWith('HTTP/1.1', at)) return '1.1'
  if (text.startsWith('HTTP/1.0', at)) return '1.0'
  const found = withinLine(text, at, 8)
  // A later minor version is read as HTTP/1.1, the latest that midwire knows (RFC 9110, 2.5).
  if (/^HTTP\/1\.\d$/.test(found)) return '1.1'
  if (/^HTTP\/\d\.\d$/.test(found)) throw fault(side, `${found} is not supported, only HTTP/1.0 and HTTP/1.1`, 505)
  throw fault(side, `the version is neither HTTP/1.0 nor HTTP/1.1: ${quoted(found)}`)
}

/** Up to `length` characters of a line. They are for messages, which must not depend on the bytes after that line. */
function withinLine(text: string, at: number, length: number): string {
  const part = text.slice(at, at + length)
  const end = part.search(/[\r\n]/)
  return end === -1 ? part : part.slice(0, end)
}

function bad(side: Side, where: string, byte: number | undefined, at: number): HttpError {
  return fault(side, `the ${where} has ${shown(byte)} at byte ${at} of it`)
}

/** The four forms of RFC 9112, 3.2. */
function checkTarget(method: string, target: string): void {
  const problem = targetProblem(method, target)
  if (problem) throw fault('request', problem)
}

const URL_AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i

/** The fault of a request's target, as a sentence; undefined for a right one. Each byte by itself was checked before. */
export function targetProblem(method: string, target: string): string | undefined {
  if (method === 'CONNECT') {
    const colon = target.lastIndexOf(':')
    const port = target.slice(colon + 1)
    const fits = colon > 0 && port.length <= 5 && all(port, DIGIT) && Number(port) > 0 && Number(port) < 65536
    return fits && all(target, HOST) ? undefined : `CONNECT wants host:port as its target, not ${quoted(target)}`
  }
  if (target.charCodeAt(0) === 47) return undefined
  if (target === '*') return method === 'OPTIONS' ? undefined : 'only OPTIONS may have * as its target'
  const authority = URL_AUTHORITY.exec(target)?.[1]
  if (authority === undefined) return `the target is neither a path nor a URL: ${quoted(target)}`
  if (authority.includes('@'))
    return 'the URL of the target has a user name in it, which belongs into the field Authorization'
  return all(authority, HOST) ? undefined : `the URL of the target has no host and port: ${quoted(target)}`
}

/** Throws unless there is exactly one Host in HTTP/1.1, or at most one in HTTP/1.0, with bytes of a host and port (RFC 9112, 3.2). */
function checkHost(raw: string[], version: Http1Version): void {
  let host: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (host !== undefined) throw fault('request', 'there are two Host fields')
    host = raw[at + 1] as string
  }
  if (host === undefined) {
    if (version === '1.1') throw fault('request', 'there is no Host field')
  } else if (!all(host, HOST)) {
    throw fault('request', `the Host field is no host and port: ${quoted(host)}`)
  }
}
