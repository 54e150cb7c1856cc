// HTTP to a server that midwire stands in for: what names midwire is made to name the server, and the other way round.
import { bracketed, hostPort } from '../../addresses.js'
import type { HttpHeaders } from '../../flow/headers.js'
import { basic, credentialsOf } from '../../flow/via.js'
import type { Context } from '../layer.js'
import { withoutHttp3 } from './alt-svc.js'

/** What of a request names its server. */
export interface Named {
  readonly headers: HttpHeaders
  /** Of HTTP/2. */
  authority?: string | undefined
}

/** Makes the fields of a request those of a request to the server: its Host, and the credentials that the user has for it. */
export function turnToServer({ destination, entrance, options, serverTls }: Context, request: Named): void {
  const { headers } = request
  if (!entrance.target || !destination) return
  if (!options.keep_host_header) {
    const { host, port } = destination
    const name = port === (serverTls ? 443 : 80) ? bracketed(host) : hostPort(host, port)
    if (request.authority !== undefined) request.authority = name
    if (request.authority === undefined || headers.has('host')) headers.set('Host', name)
  }
  const { upstream_auth } = options
  if (upstream_auth && !headers.has('authorization')) headers.set('Authorization', basic(credentialsOf(upstream_auth)))
}

/** An alternative service of the server's own host, on another port (RFC 7838, 3): `h3=":443"`. */
const OWN_PORT = /(=\s*":)\d+"/g

/** Leads a client that follows Alt-Svc to midwire, and not past it: neither by HTTP/3, nor to the server that midwire stands in for. */
export function turnToClient({ client, entrance, options }: Context, headers: HttpHeaders): void {
  if (entrance.target && options.keep_alt_svc_header) return
  if (options.http3 === 'block') withoutHttp3(headers)
  if (!entrance.target || !headers.has('alt-svc')) return
  const { port } = client.connection.local
  headers.set(
    'Alt-Svc',
    headers.getAll('alt-svc').map((value) => value.replace(OWN_PORT, `$1${port}"`)),
  )
}
