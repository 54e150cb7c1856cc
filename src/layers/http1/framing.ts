// Where a body ends (RFC 9112, 6.3), refusing whatever two implementations could read in two ways.
import type { HttpHeaders } from '../../flow/headers.js'
import { all, DIGIT } from './bytes.js'
import { fault, quoted, type Side } from './error.js'

/** `close`: the body ends with the connection; responses only. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length' /** Bytes. */; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

const NONE: Framing = Object.freeze({ kind: 'none' })
const CHUNKED: Framing = Object.freeze({ kind: 'chunked' })
const CLOSE: Framing = Object.freeze({ kind: 'close' })

/**
 * How a request's body ends. Throws an Http1Error: 501 for a transfer coding other than chunked, else 400. A CONNECT with a body
 * is refused, for what follows it is the tunnel's.
 */
export function requestFraming(head: { method: string; version: string; headers: HttpHeaders }): Framing {
  const framing = fieldsFraming(head.headers, head.version, 'request')
  if (!framing) return NONE
  if (head.method !== 'CONNECT') return framing
  if (framing.kind === 'length' && framing.length === 0) return NONE
  throw fault('request', 'a CONNECT cannot have a body')
}

/**
 * How the body of a response to `requestMethod` ends. Throws an Http1Error with 502.
 *
 * Fields that say nothing true are handled as nginx does: with 204, 304 and a CONNECT that succeeded they are checked in form and
 * then mean nothing (`responseKeepAlive` ends such a 204's connection). A 1xx that announces a body is refused, for what follows it would
 * be read as the final response.
 */
export function responseFraming(
  head: { status: number; version: string; headers: HttpHeaders },
  requestMethod: string,
): Framing {
  const { status } = head
  const framing = fieldsFraming(head.headers, head.version, 'response')
  if (status < 200) {
    if (!framing || (framing.kind === 'length' && framing.length === 0)) return NONE
    throw fault('response', `a response ${status} cannot have a body`)
  }
  if (requestMethod === 'HEAD' || status === 204 || status === 304) return NONE
  if (requestMethod === 'CONNECT' && status < 300) return NONE
  return framing ?? CLOSE
}

/** What Content-Length and Transfer-Encoding say; undefined where neither is there. */
function fieldsFraming(headers: HttpHeaders, version: string, side: Side): Framing | undefined {
  const { raw } = headers
  let length: string | undefined
  let coding: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (name.length === 14) {
      if (name !== 'Content-Length' && name.toLowerCase() !== 'content-length') continue
      const value = raw[at + 1] as string
      if (length !== undefined) throw twoLengths(length, value, side)
      length = value
    } else if (name.length === 17) {
      if (name !== 'Transfer-Encoding' && name.toLowerCase() !== 'transfer-encoding') continue
      if (coding !== undefined) throw fault(side, 'there are two Transfer-Encoding fields')
      coding = raw[at + 1] as string
    }
  }
  if (coding !== undefined) {
    if (length !== undefined) throw fault(side, 'there are both Content-Length and Transfer-Encoding')
    if (version === '1.0') throw fault(side, 'there is a Transfer-Encoding in an HTTP/1.0 message')
    if (coding === 'chunked' || coding.toLowerCase() === 'chunked') return CHUNKED
    throw fault(side, `the transfer coding ${quoted(coding)} is not known here, only chunked`, 501)
  }
  if (length === undefined) return undefined
  if (length === '' || !all(length, DIGIT)) throw fault(side, `the Content-Length is no number: ${quoted(length)}`)
  const bytes = Number(length)
  if (!Number.isSafeInteger(bytes)) throw fault(side, `the Content-Length is too large: ${quoted(length)}`, 413)
  return { kind: 'length', length: bytes }
}

function twoLengths(first: string, second: string, side: Side): Error {
  const how = first === second ? 'are the same' : 'differ'
  return fault(side, `there are two Content-Length fields, which ${how} (${quoted(first)} and ${quoted(second)})`)
}
