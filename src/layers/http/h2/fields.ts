// What RFC 9113, 8.2 and 8.3 (and RFC 8441, 4) demand of the fields of requests, responses and trailers. A fault is an error of the stream.

import { quoted } from '../error.js'
import { all, DIGIT, HOST, TOKEN } from '../h1/bytes.js'
import {
  AUTHORITY,
  BAD_NAME,
  CONNECTION_SPECIFIC,
  CONTENT_LENGTH,
  CONTROL,
  METHOD,
  NAME_KIND,
  NOT_VISIBLE,
  PADDED,
  PATH,
  PROTOCOL,
  REGULAR,
  SCHEME,
  STATUS,
  TE,
  UNKNOWN_PSEUDO,
} from './kinds.js'

const REQUEST_PSEUDO = (1 << METHOD) | (1 << SCHEME) | (1 << AUTHORITY) | (1 << PATH) | (1 << PROTOCOL)
const RESPONSE_PSEUDO = 1 << STATUS
const SCHEMES = /^[a-z][a-z0-9+.-]*$/i
const LETTERS = ['', 'm', 's', 'a', 'p']

/** Checks one section after the other, and holds what was found in the last one. One for each session. */
export class FieldCheck {
  method = ''
  /** 0 where there was none. */
  status = 0
  /** -1 where there was none. */
  contentLength = -1
  private authority = ''

  /** The fault of a request's head, as a sentence; undefined if there is none. `extended`: ENABLE_CONNECT_PROTOCOL was sent. */
  request(fields: readonly string[], kinds: Uint8Array, extended: boolean): string | undefined {
    this.method = ''
    let seen = 0
    let scheme = ''
    let path = ''
    this.contentLength = -1
    let regular = false
    for (let at = 0; at < fields.length; at += 2) {
      const kind = kinds[at >> 1] as number
      if (kind === REGULAR || kind === NOT_VISIBLE) {
        regular = true
        continue
      }
      const value = fields[at + 1] as string
      const name = kind & NAME_KIND
      if (name >= METHOD && name <= UNKNOWN_PSEUDO) {
        const fault = pseudoFault(fields, at, kind, seen, REQUEST_PSEUDO, regular)
        if (fault !== undefined) return fault
        seen |= 1 << name
        if (name === METHOD) this.method = value
        else if (name === PATH) path = value
        else if (name === SCHEME) scheme = value
        else if (name === AUTHORITY && value !== this.authority) {
          if (!all(value, HOST)) return `:authority is no host with a port: ${quoted(value)}`
          this.authority = value
        }
        continue
      }
      regular = true
      const fault = this.regularFault(fields, at, kind)
      if (fault !== undefined) return fault
      if (name === TE && value.toLowerCase() !== 'trailers') return `te is ${quoted(value)}, not trailers`
    }
    if (seen & (1 << PROTOCOL) && (!extended || this.method !== 'CONNECT')) {
      return extended ? ':protocol stands in a request other than CONNECT' : ':protocol was not allowed by SETTINGS'
    }
    if (this.method === '' || !all(this.method, TOKEN)) {
      return this.method === '' ? 'there is no :method' : `:method is no token: ${quoted(this.method)}`
    }
    if (this.method === 'CONNECT' && (seen & (1 << PROTOCOL)) === 0) {
      if (seen & ((1 << SCHEME) | (1 << PATH))) return 'a CONNECT has a :scheme or a :path'
      return seen & (1 << AUTHORITY) ? undefined : 'a CONNECT has no :authority'
    }
    if (scheme !== 'https' && scheme !== 'http' && !SCHEMES.test(scheme)) {
      return seen & (1 << SCHEME) ? `:scheme is no scheme: ${quoted(scheme)}` : 'there is no :scheme'
    }
    if (path.charCodeAt(0) !== 47 && !(path === '*' && this.method === 'OPTIONS')) {
      if (path === '') return seen & (1 << PATH) ? ':path is empty' : 'there is no :path'
      return `:path does not begin with a slash: ${quoted(path)}`
    }
    return undefined
  }

  /** The fault of the head of an interim or final response. */
  response(fields: readonly string[], kinds: Uint8Array): string | undefined {
    this.status = 0
    this.contentLength = -1
    let seen = 0
    let regular = false
    for (let at = 0; at < fields.length; at += 2) {
      const kind = kinds[at >> 1] as number
      if (kind === REGULAR || kind === NOT_VISIBLE) {
        regular = true
        continue
      }
      const name = kind & NAME_KIND
      if (name >= METHOD && name <= UNKNOWN_PSEUDO) {
        const fault = pseudoFault(fields, at, kind, seen, RESPONSE_PSEUDO, regular)
        if (fault !== undefined) return fault
        seen |= 1 << name
        const value = fields[at + 1] as string
        this.status = Number(value)
        if (value.length !== 3 || !(this.status >= 100 && this.status <= 999)) {
          return `:status is not three digits from 100 on: ${quoted(value)}`
        }
        continue
      }
      regular = true
      const fault = this.regularFault(fields, at, kind)
      if (fault !== undefined) return fault
    }
    if (this.status === 0) return 'there is no :status'
    // HTTP/2 has no 101 (RFC 9113, 8.6).
    return this.status === 101 ? 'the status is 101' : undefined
  }

  trailers(fields: readonly string[], kinds: Uint8Array): string | undefined {
    for (let at = 0; at < fields.length; at += 2) {
      const kind = kinds[at >> 1] as number
      if (kind === REGULAR || kind === NOT_VISIBLE) continue
      const name = kind & NAME_KIND
      if (name >= METHOD && name <= UNKNOWN_PSEUDO) return `the trailers have ${quoted(fields[at] as string)}`
      const fault = this.regularFault(fields, at, kind)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  private regularFault(fields: readonly string[], at: number, kind: number): string | undefined {
    const name = fields[at] as string
    const value = fields[at + 1] as string
    if ((kind & NAME_KIND) === BAD_NAME) return `a field name is empty, not lowercase or no token: ${quoted(name)}`
    if (kind & CONTROL) return `the value of ${name} has a control character: ${quoted(value)}`
    if (kind & PADDED) return `the value of ${name} has whitespace at an end: ${quoted(value)}`
    switch (kind & NAME_KIND) {
      case CONNECTION_SPECIFIC:
        return `there is ${name}, which is HTTP/1's`
      case CONTENT_LENGTH: {
        const length = value.length > 0 && value.length < 16 && all(value, DIGIT) ? Number(value) : -1
        if (length < 0) return `content-length is no number: ${quoted(value)}`
        if (this.contentLength >= 0 && this.contentLength !== length) return 'there are two content-lengths'
        this.contentLength = length
        return undefined
      }
      default:
        return undefined
    }
  }
}

function pseudoFault(
  fields: readonly string[],
  at: number,
  kind: number,
  seen: number,
  allowed: number,
  regular: boolean,
): string | undefined {
  const name = fields[at] as string
  const bit = 1 << (kind & NAME_KIND)
  if ((allowed & bit) === 0) return `there is a pseudo-header field ${quoted(name)}`
  if (regular) return `${name} stands behind a field that is no pseudo-header field`
  if (seen & bit) return `there are two ${name}`
  if (kind & NOT_VISIBLE) return `${name} has whitespace or a control character: ${quoted(fields[at + 1] as string)}`
  return undefined
}

/** The order of a request's pseudo-header fields, as fingerprints have it: `m,a,s,p`. */
export function pseudoOrder(fields: readonly string[], kinds: Uint8Array): string {
  const letters: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const letter = LETTERS[(kinds[at >> 1] as number) & NAME_KIND]
    if (!letter) continue
    letters.push(letter)
  }
  return letters.join(',')
}
