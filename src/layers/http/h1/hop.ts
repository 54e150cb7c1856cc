// Removes fields that are meant for one connection and not for the message's receiver (RFC 9110, 7.6.1).
import type { HttpHeaders } from '../../../flow/headers.js'
import { hasToken, type Versioned } from '../connection.js'
import { spokenProtocols } from './upgrade.js'

/** Fields that are never passed on. HTTP2-Settings belongs to an upgrade to h2c, which is not passed on either. */
const ALWAYS = ['keep-alive', 'proxy-connection', 'http2-settings']
/** True at the lengths of this file's names, by which nearly all other fields are skipped without comparing names. */
const LENGTHS: readonly boolean[] = Array.from({ length: 17 }, (_, length) => [2, 7, 10, 14, 16].includes(length))
const NAMES = new Set([...ALWAYS, 'connection', 'te', 'upgrade'])

/**
 * Fields that stay even where a sender lists them in Connection. Midwire has read from them where the message ends and where it goes,
 * so a receiver that does not get them would read another message. All other listed fields are removed, as RFC 9110 wants and as
 * Go's proxy does; nginx removes none.
 */
const KEPT = new Set(['host', 'content-length', 'transfer-encoding'])

/**
 * Removes the fields that a client meant for its connection to midwire. Connection keeps `close` and `keep-alive`, which are true of
 * both connections. `TE: trailers` is passed on, since midwire passes trailers on. An Upgrade is passed on where the server may answer
 * with 101: in HTTP/1.1, named in Connection, in a request without a body. A server may ignore an upgrade (RFC 9110, 7.8),
 * so it is removed from a request with a body, of which the bytes after the head could be read as the body and as the other protocol.
 *
 * This is done before any hook runs. So hooks see the request that is passed on, and a client cannot have a field removed that an
 * addon has added. Returns a sentence for the log where an upgrade was removed.
 */
export function takeOffRequestHop(head: Versioned, bodiless: boolean): string | undefined {
  if (!hasHopFields(head.headers.raw)) return undefined
  const upgrade = head.headers.get('upgrade')
  takeOff(head, head.version !== '1.0' && bodiless, true)
  return upgrade !== undefined && upgrade !== head.headers.get('upgrade')
    ? `the offer to upgrade to ${upgrade} was taken out${bodiless ? '' : ': the request has a body'}`
    : undefined
}

/** Does the same for a final response, of which Upgrade names the protocols that the server would switch to (RFC 9110, 15.5.22). */
export function takeOffResponseHop(head: Versioned): void {
  if (hasHopFields(head.headers.raw)) takeOff(head, true, false)
}

/** False where no field has to be removed: Connection alone, with `close` or `keep-alive` alone, needs no change. */
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

/** Keeps `trailers` in TE, and nothing else: the only transfer coding that midwire knows is chunked, which needs no TE. */
function keepTrailers(headers: HttpHeaders, isRequest: boolean): boolean {
  const te = headers.get('te')
  const trailers = isRequest && te !== undefined && hasToken(te, 'trailers')
  if (!trailers) headers.delete('te')
  else if (te !== 'trailers') headers.set('TE', 'trailers')
  return trailers
}
