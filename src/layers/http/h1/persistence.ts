// Whether a client's connection persists after a response, and what Connection says of it.
import { hasToken, responseKeepAlive } from '../connection.js'
import type { WritableResponseHead } from './write.js'

/** The state of the client's connection when a response is about to be sent on it. */
export interface Standing {
  /** The connection can carry another request, as far as midwire is concerned. */
  persistent: boolean
  /** The HTTP version of the request. */
  version: string
  /** The response's body ends with the connection. */
  closes: boolean
}

/**
 * Decides whether the client's connection persists after the response, and sets Connection where the client would assume otherwise: a
 * client of HTTP/1.0 assumes that the connection closes, one of HTTP/1.1 that it persists (RFC 9112, 9.3 and 9.6).
 */
export function settlePersistence(response: WritableResponseHead, { persistent, version, closes }: Standing): boolean {
  const said = responseKeepAlive(response)
  const persists = persistent && said && !closes
  const connection = response.headers.get('connection')
  const keepAlive = connection !== undefined && hasToken(connection, 'keep-alive')
  if (persists) {
    if (version === '1.0' && !keepAlive) say(response, 'keep-alive')
  } else if (said && (keepAlive || (version !== '1.0' && !closes))) {
    say(response, 'close')
  }
  return persists
}

/** Sets `close` or `keep-alive` in Connection, and keeps its other options. */
function say({ headers }: WritableResponseHead, option: 'close' | 'keep-alive'): void {
  const listed = (headers.get('connection') ?? '').split(',').map((one) => one.trim())
  const others = listed.filter((one) => one !== '' && !/^(?:close|keep-alive)$/i.test(one))
  headers.set('Connection', [option, ...others].join(', '))
}
