// Checks and completes a response before it goes to the client: an addon may have made or changed it.
import type { HttpResponse } from '../../flow/http.js'
import { hasToken, responseKeepAlive } from './connection.js'
import { HttpError } from './error.js'
import type { Framing } from './h1/framing.js'

/** Why a response cannot be the answer to a request; undefined where it can. */
export function answerProblem({ status }: { status: number }): string | undefined {
  if (status >= 200) return undefined
  return `an addon has given the response status ${status}, after which another response has to come: it must be 200 or higher`
}

/** Throws an HttpError with 502 for a response that cannot be the answer to a request. */
export function checkAnswer(response: HttpResponse): void {
  const problem = answerProblem(response)
  if (problem !== undefined) throw new HttpError(502, problem)
}

/** A response with this status has no body, whatever its fields say (RFC 9112, 6.3). */
export const isBodiless = (status: number): boolean => status === 204 || status === 304

/**
 * Removes fields that would announce a body that does not come. A 204 may not have a Content-Length (RFC 9110, 8.6). A server's
 * Content-Length in a 304, or in the answer to HEAD, is that of the answer to a GET, and stays. `framing` is the server's, or an addon's.
 */
export function announceNoBody({ status, headers }: HttpResponse, framing: Framing): void {
  if (status === 204 || (status === 304 && framing.kind !== 'none')) {
    headers.delete('transfer-encoding')
    if (headers.get('content-length') !== '0') headers.delete('content-length')
  }
}

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
export function settlePersistence(response: HttpResponse, { persistent, version, closes }: Standing): boolean {
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
function say({ headers }: HttpResponse, option: 'close' | 'keep-alive'): void {
  const listed = (headers.get('connection') ?? '').split(',').map((one) => one.trim())
  const others = listed.filter((one) => one !== '' && !/^(?:close|keep-alive)$/i.test(one))
  headers.set('Connection', [option, ...others].join(', '))
}
