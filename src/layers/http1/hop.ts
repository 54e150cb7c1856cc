// Fields that are meant for one connection and not for the message's receiver (RFC 9110, 7.6.1): they do not go on to the next.
import type { HttpHeaders } from '../../flow/headers.js'
import { hasToken, type Versioned } from './connection.js'
import { spokenProtocols } from './upgrade.js'

/** Fields that never go on. HTTP2-Settings belongs to an upgrade to h2c, which does not go on either. */
const ALWAYS = ['keep-alive', 'proxy-connection', 'http2-settings']
/** Lengths of the names that this file is about: nearly all fields are told apart by that. */
const LENGTHS: readonly boolean[] = Array.from({ length: 17 }, (_, length) => [2, 7, 10, 14, 16].includes(length))
const NAMES = new Set([...ALWAYS, 'connection', 'te', 'upgrade'])

/**
 * What a sender cannot have taken off by listing it in Connection: where the message ends and where it goes was read from these
 * fields, so a receiver that does not get them would read another message. All other listed fields are taken off, as
 * RFC 9110 wants it and as Go's proxy does it; nginx takes off none.
 */
const KEPT = new Set(['host', 'content-length', 'transfer-encoding'])

/**
 * Takes off what a client meant for its connection to midwire. `Connection` keeps `close` and `keep-alive`, which are true of both
 * connections. `TE: trailers` goes on, for trailers do. An Upgrade goes on where the server may answer it with 101: in HTTP/1.1, asked
 * for in Connection, without a body behind it. A server may ignore an upgrade (RFC 9110, 7.8), so a request that has a body goes on
 * without: otherwise what follows the head could be read as the body and as the other protocol.
 *
 * This is done before any hook runs. So hooks see the request that goes on, and a client cannot have a field taken off that an
 * addon has added. Returns a sentence for the log where an upgrade was taken off.
 */
export function takeOffRequestHop(head: Versioned, bodiless: boolean): string | undefined {
  if (!hasHopFields(head.headers.raw)) return undefined
  const upgrade = head.headers.get('upgrade')
  takeOff(head, head.version !== '1.0' && bodiless, true)
  return upgrade !== undefined && upgrade !== head.headers.get('upgrade')
    ? `the offer to upgrade to ${upgrade} was taken out${bodiless ? '' : ': the request has a body'}`
    : undefined
}

/** The same for a final response: an Upgrade of it says what the server would switch to (RFC 9110, 15.5.22). */
export function takeOffResponseHop(head: Versioned): void {
  if (hasHopFields(head.headers.raw)) takeOff(head, true, false)
}

/** False where there is nothing to do: no such field, or a Connection that says `close` or `keep-alive` alone. */
function hasHopFields(raw: readonly string[]): boolean {
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (LENGTHS[name.length] !== true) continue
    const value = raw[at + 1] as string
    if (name.length === 10 && (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive')) {
      if (name === 'Connection' || name.toLowerCase() === 'connection') continue
    }
    if (NAMES.has(name.toLowerCase())) return true
  }
  return false
}

function takeOff({ headers }: Versioned, mayUpgrade: boolean, isRequest: boolean): void {
  const listed = (headers.get('connection') ?? '').split(',').map((one) => one.trim())
  const options = new Set(listed.map((one) => one.toLowerCase()))
  for (const option of options) if (!NAMES.has(option) && !KEPT.has(option)) headers.delete(option)
  for (const name of ALWAYS) headers.delete(name)
  const kept = new Set(['close', 'keep-alive'])
  if (keepUpgrade(headers, mayUpgrade && options.has('upgrade'))) kept.add('upgrade')
  if (keepTrailers(headers, isRequest)) kept.add('te')
  const left = listed.filter((one) => kept.has(one.toLowerCase()))
  const unsaid = kept.has('te') && !options.has('te')
  if (unsaid) left.push('TE')
  if (left.length === 0) headers.delete('connection')
  else if (unsaid || left.length !== listed.length) headers.set('Connection', left.join(', '))
}

function keepUpgrade(headers: HttpHeaders, mayUpgrade: boolean): boolean {
  const upgrade = headers.get('upgrade')
  const spoken = mayUpgrade && upgrade !== undefined ? spokenProtocols(upgrade) : undefined
  if (spoken === undefined) headers.delete('upgrade')
  else if (spoken !== upgrade) headers.set('Upgrade', spoken)
  return spoken !== undefined
}

/** The only transfer coding that is spoken here is chunked, which needs no TE. */
function keepTrailers(headers: HttpHeaders, isRequest: boolean): boolean {
  const te = headers.get('te')
  const trailers = isRequest && te !== undefined && hasToken(te, 'trailers')
  if (!trailers) headers.delete('te')
  else if (te !== 'trailers') headers.set('TE', 'trailers')
  return trailers
}
