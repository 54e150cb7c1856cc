// Checks a response before it goes to the client: an addon may have made or changed it.
import type { HttpResponse } from '../../flow/http.js'
import type { Framing } from './ends.js'
import { HttpError } from './error.js'

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
