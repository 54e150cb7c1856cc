// Decides where a body ends (RFC 9112, 6.3), and refuses messages that two implementations could read in two ways.
import type { HttpHeaders } from '../../../flow/headers.js'
import type { Framing } from '../ends.js'
import { fault, quoted, type Side } from '../error.js'
import { all, DIGIT } from './bytes.js'
import { type Noted, note } from './irregular.js'

const NONE: Framing = Object.freeze({ kind: 'none' })
const CHUNKED: Framing = Object.freeze({ kind: 'chunked' })
const CLOSE: Framing = Object.freeze({ kind: 'close' })

interface Framed extends Noted {
  version: string
  headers: HttpHeaders
}

/**
 * How a request's body ends. Throws an HttpError: 501 for a transfer coding other than chunked, else 400. A CONNECT with a body
 * is refused, because the bytes after its head are the tunnel's. `relaxed`: equal Content-Lengths become one, as in a response.
 */
export function requestFraming(head: Framed & { method: string }, relaxed = false): Framing {
  const framing = fieldsFraming(head, 'request', relaxed)
  if (!framing) return NONE
  if (head.method !== 'CONNECT') return framing
  if (framing.kind === 'length' && framing.length === 0) return NONE
  throw fault('request', 'a CONNECT cannot have a body')
}

/**
 * How the body of a response to `requestMethod` ends. Throws an HttpError with 502.
 *
 * Fields that announce a body of a 204, a 304 or a successful CONNECT are handled as in nginx: their form is checked, and they have
 * no meaning (`responseKeepAlive` ends the connection after such a 204). An interim response never has a body. Equal Content-Lengths
 * become one (RFC 9112, 6.3), which is noted.
 */
export function responseFraming(head: Framed & { status: number }, requestMethod: string): Framing {
  const { status } = head
  if (status < 200) return NONE
  const framing = fieldsFraming(head, 'response', true)
  if (requestMethod === 'HEAD' || status === 204 || status === 304) return NONE
  if (requestMethod === 'CONNECT' && status < 300) return NONE
  return framing ?? CLOSE
}

/** The framing by Content-Length and Transfer-Encoding; undefined where there is neither. */
function fieldsFraming(head: Framed, side: Side, mayRepeat: boolean): Framing | undefined {
  const { raw } = head.headers
  let length: string | undefined
  let repeated = false
  let coding: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (name.length === 14) {
      if (name !== 'Content-Length' && name.toLowerCase() !== 'content-length') continue
      const value = raw[at + 1] as string
      if (length !== undefined) {
        if (!mayRepeat || length !== value) throw twoLengths(length, value, side)
        repeated = true
      }
      length = value
    } else if (name.length === 17) {
      if (name !== 'Transfer-Encoding' && name.toLowerCase() !== 'transfer-encoding') continue
      if (coding !== undefined) throw fault(side, 'there are two Transfer-Encoding fields')
      coding = raw[at + 1] as string
    }
  }
  if (coding !== undefined) {
    if (length !== undefined) throw fault(side, 'there are both Content-Length and Transfer-Encoding')
    if (head.version === '1.0') throw fault(side, 'there is a Transfer-Encoding in an HTTP/1.0 message')
    if (coding === 'chunked' || coding.toLowerCase() === 'chunked') return CHUNKED
    throw fault(side, `the transfer coding ${quoted(coding)} is not supported, only chunked`, 501)
  }
  if (length === undefined) return undefined
  if (mayRepeat && (repeated || length.includes(','))) length = oneLength(head, length)
  if (length === '' || !all(length, DIGIT)) throw fault(side, `the Content-Length is no number: ${quoted(length)}`)
  const bytes = Number(length)
  if (!Number.isSafeInteger(bytes)) throw fault(side, `the Content-Length is too large: ${quoted(length)}`, 413)
  return { kind: 'length', length: bytes }
}

/** Puts one length in the place of a list of equal lengths. Gives a list of different lengths back as it is. */
function oneLength(head: Framed, list: string): string {
  const lengths = list.split(',').map((one) => one.trim())
  const first = lengths[0] as string
  if (lengths.some((one) => one !== first)) return list
  head.headers.set('Content-Length', first)
  note(head, 'its Content-Length is there more than once')
  return first
}

function twoLengths(first: string, second: string, side: Side): Error {
  const how = first === second ? 'are the same' : 'differ'
  return fault(side, `there are two Content-Length fields, which ${how} (${quoted(first)} and ${quoted(second)})`)
}
