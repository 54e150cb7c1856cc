// The option `stickyauth`: what one request has proven to a host is added to later requests that have no Authorization.
import { parseFilter } from '../flow/filter.js'
import type { HttpFlow, HttpRequest } from '../flow/http.js'
import type { Addon } from '../hooks.js'

/** The most hosts whose last Authorization is remembered. */
const MAX_HOSTS = 1_000

/** Throws ERR_FILTER. */
export function stickyauth(filter: string): Addon {
  const matches = parseFilter(filter)
  const known = new Map<string, string>()
  return {
    name: 'stickyauth',
    requestheaders(flow: HttpFlow) {
      const { request } = flow
      const sent = request.headers.get('authorization')
      if (sent === undefined && known.size === 0) return
      const host = placeOf(request)
      if (sent === undefined) {
        const before = known.get(host)
        if (before !== undefined && matches(flow)) request.headers.set('Authorization', before)
        return
      }
      known.delete(host)
      known.set(host, sent)
      const [oldest] = known.keys()
      if (known.size > MAX_HOSTS && oldest !== undefined) known.delete(oldest)
    },
  }
}

/** Where a request goes and what it calls that: a Host field alone would send the credentials to any server that a client chooses. */
const placeOf = ({ scheme, host, port, prettyHost }: HttpRequest) =>
  `${scheme} ${host} ${port} ${prettyHost.toLowerCase()}`
