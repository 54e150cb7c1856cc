// What a response is held to before it goes to the client: an addon may have made it, or changed what a server has sent.
import type { HttpResponse } from '../../flow/http.js'
import { hasToken, responseKeepAlive } from './connection.js'
import { Http1Error } from './error.js'
import type { Framing } from './framing.js'

/** Why a response cannot be the answer to a request; undefined where it can. */
export function answerProblem({ status }: { status: number }): string | undefined {
  if (status >= 200) return undefined
  return `an addon has given the response status ${status}, after which another response has to come: it must be 200 or higher`
}

/** Throws an Http1Error with 502 for a response that no request can be answered with. */
export function checkAnswer(response: HttpResponse): void {
  const problem = answerProblem(response)
  if (problem !== undefined) throw new Http1Error(502, problem)
}

/** A response with this status has no body, whatever its fields say (RFC 9112, 6.3). */
export const isBodiless = (status: number): boolean => status === 204 || status === 304

/**
 * Takes off what would announce a body that does not come. A 204 may not say a length (RFC 9110, 8.6); what a server says of a 304 or to
 * a HEAD is the length that a GET would have, and stays. `framing` is the server's, or an addon's.
 */
export function announceNoBody({ status, headers }: HttpResponse, framing: Framing): void {
  if (status === 204 || (status === 304 && framing.kind !== 'none')) {
    headers.delete('transfer-encoding')
    if (headers.get('content-length') !== '0') headers.delete('content-length')
  }
}

/** How the client's connection stands when a response is to go out on it. */
export interface Standing {
  /** It can carry another request, as far as midwire is concerned. */
  persistent: boolean
  /** Of the request. */
  version: string
  /** The response's body ends with the connection. */
  closes: boolean
}

/**
 * Whether the client's connection persists after the response, and lets Connection say so where the client would think otherwise: a client
 * of HTTP/1.0 takes it that the connection closes, one of HTTP/1.1 that it stays (RFC 9112, 9.3 and 9.6).
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

/** Connection keeps what it says of other things. */
function say({ headers }: HttpResponse, option: 'close' | 'keep-alive'): void {
  const listed = (headers.get('connection') ?? '').split(',').map((one) => one.trim())
  const others = listed.filter((one) => one !== '' && !/^(?:close|keep-alive)$/i.test(one))
  headers.set('Connection', [option, ...others].join(', '))
}
