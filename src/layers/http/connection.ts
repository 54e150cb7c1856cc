// The fields of a message that are about its connection: whether it persists, and to which protocols it may be upgraded.
import type { HttpHeaders } from '../../flow/headers.js'
import { SPACE, TAB } from './h1/bytes.js'

export interface Versioned {
  version: string
  headers: HttpHeaders
}

/** Whether the connection may carry another request after this one (RFC 9112, 9.3). */
export function requestKeepAlive(head: Versioned): boolean {
  return persists(head)
}

/**
 * Whether the connection may carry another response after this one, by its fields alone: a body that is framed by `close` ends the
 * connection, too. False for a 204 that announces a body, because the bytes after its head may be that body.
 */
export function responseKeepAlive(head: Versioned & { status: number }): boolean {
  const { headers } = head
  if (head.status === 204 && (headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'))
    return false
  return persists(head)
}

function persists({ version, headers }: Versioned): boolean {
  const connection = headers.get('connection')
  if (version === '1.0')
    return connection !== undefined && !hasToken(connection, 'close') && hasToken(connection, 'keep-alive')
  return connection === undefined || !hasToken(connection, 'close')
}

/**
 * The client's Upgrade field in lower case, such as `websocket`; undefined where there is none, and where it must be ignored: without
 * `Connection: upgrade`, or in HTTP/1.0 (RFC 9110, 7.8).
 */
export function wantsUpgrade({
  version,
  headers,
  protocol,
}: Versioned & { protocol?: string | undefined }): string | undefined {
  if (protocol !== undefined) return protocol
  const upgrade = headers.get('upgrade')
  if (!upgrade || version === '1.0') return undefined
  const connection = headers.get('connection')
  return connection !== undefined && hasToken(connection, 'upgrade') ? upgrade.toLowerCase() : undefined
}

/** Whether the client waits for a 100 before it sends its body (RFC 9110, 10.1.1). There is no 100 in HTTP/1.0. */
export function expectsContinue({ version, headers }: Versioned): boolean {
  const expect = headers.get('expect')
  return expect !== undefined && version !== '1.0' && hasToken(expect, '100-continue')
}

/** True when a comma-separated list has a token, in any case. `token` is in lower case. */
export function hasToken(list: string, token: string): boolean {
  if (list.length < token.length) return false
  if (list.length === token.length) return list === token || list.toLowerCase() === token
  let from = 0
  while (from <= list.length) {
    let comma = list.indexOf(',', from)
    if (comma === -1) comma = list.length
    let start = from
    let end = comma
    while (start < end && isSpace(list.charCodeAt(start))) start++
    while (end > start && isSpace(list.charCodeAt(end - 1))) end--
    if (end - start === token.length && list.slice(start, end).toLowerCase() === token) return true
    from = comma + 1
  }
  return false
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}
