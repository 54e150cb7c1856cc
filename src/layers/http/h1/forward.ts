// Plain HTTP by way of an HTTP proxy: the proxy is the server then, and the request line has the whole URL (RFC 9112, 3.2.2).
import { bracketed, hostPort } from '../../../addresses.js'
import type { HttpRequest } from '../../../flow/http.js'
import { basic, type ProxyHop } from '../../../flow/via.js'
import { placeOfHop, tlsWithHop } from '../../open.js'
import type { Route } from '../../route.js'
import { wantsUpgrade } from '../connection.js'
import { writeRequestHead } from './write.js'

/** Writes the head of a request, with `body` behind it. */
export type WriteRequest = (request: HttpRequest, body?: Uint8Array) => Buffer

/** The proxy that a request is given to as a whole. TLS, and what may be upgraded, goes through a tunnel instead (CONNECT). */
export function forwarder(request: HttpRequest, { via }: Route): ProxyHop | undefined {
  const last = via.at(-1)
  const isHttp = last?.scheme === 'http' || last?.scheme === 'https'
  return isHttp && request.scheme === 'http' && wantsUpgrade(request) === undefined ? last : undefined
}

/** The way to that proxy: all that it forwards can share a connection. */
export function routeToForwarder(hop: ProxyHop, { via, from }: Route): Route {
  return { to: placeOfHop(hop), via: via.slice(0, -1), from, tls: hop.scheme === 'https' ? tlsWithHop(hop) : undefined }
}

export const writeForForwarder =
  ({ credentials }: ProxyHop): WriteRequest =>
  (request, body) => {
    const { method, host, port, path, version } = request
    const headers = credentials ? request.headers.clone() : request.headers
    if (credentials) headers.set('Proxy-Authorization', basic(credentials))
    const authority = port === 80 ? bracketed(host) : hostPort(host, port)
    // A server-wide OPTIONS has no path in a URL.
    const target = request.absolute === undefined ? `http://${authority}${path === '*' ? '' : path}` : request.target
    return writeRequestHead({ method, target, version, headers }, body)
  }
