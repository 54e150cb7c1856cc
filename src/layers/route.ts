// The route of a server connection, as one value with one key: connections of equal routes can replace each other.
import { canonicalName, sameName } from '../flow/host-name.js'
import { type Hop, hopText, proxiesOf } from '../flow/via.js'
import type { TlsStartServerHook } from '../hooks.js'

/** The place that a server connection goes to. */
export interface Destination {
  /** A name or an address. */
  host: string
  port: number
  transport: 'tcp' | 'udp'
}

/** How to do TLS with a server. */
export interface ServerTls {
  /** The name of the server; undefined where none is sent. */
  sni: string | undefined
  alpn: readonly string[]
  /** TLS with a proxy on the way, and not with the server. */
  ofHop?: true
  /** TLS begins on a connection that was in use before (STARTTLS), so there is one attempt. */
  inPlace?: true
  /** What the hook `tls_start_server` has set in place of the options; undefined for nothing. */
  set?: SetForServer | undefined
}

/** What addons have set for TLS with a server. The fields are those of the hook's argument. */
export interface SetForServer
  extends Partial<Pick<TlsStartServerHook, 'certificate' | 'minVersion' | 'maxVersion' | 'ciphers' | 'verify'>> {
  /** Equal for equal settings, and without secrets: a part of the route's key. */
  readonly key: string
}

/** The address that a connection comes from. */
export interface Source {
  readonly address: string
  /** The address is the client's, and none of this machine's. */
  readonly isForeign: boolean
}

/** The place that a connection leads to, without regard to the protocol that it carries. */
export interface Place {
  readonly to: Destination
  /** The tunnel and the proxies on the way, the nearest first; none where the connection is direct. */
  readonly via: readonly Hop[]
  /** Undefined for the system's choice. */
  readonly from?: Source | undefined
}

export interface Route extends Place {
  /** How TLS is done with the server; undefined for no TLS. */
  readonly tls: ServerTls | undefined
}

/** The key of a place. Proxies count with their credentials: another user may see another network. */
export function placeKey({ to, via, from }: Place): string {
  const end = `${to.transport} ${canonicalName(to.host)} ${to.port}`
  if (via.length === 0 && from === undefined) return end
  const passwords = proxiesOf(via).map(({ credentials }) => encodeURIComponent(credentials?.password ?? ''))
  return JSON.stringify([end, from?.address ?? '', via.map(hopText), passwords])
}

/** The key of a route, whose place has the key `place`. The pool keeps connections by this key, and TLS sessions are kept by it, too. */
export function routeKey(route: Route, place = placeKey(route)): string {
  const { tls } = route
  if (!tls) return place
  const set = tls.set ? ` ${tls.set.key}` : ''
  return `${place} tls ${canonicalName(tls.sni ?? '')} ${tls.alpn.join(',')}${set}`
}

/** Whether connections of the two routes can replace each other: their keys are equal. */
export function sameRoute(a: Route, b: Route): boolean {
  if (a.to.port !== b.to.port || a.to.transport !== b.to.transport || !sameName(a.to.host, b.to.host)) return false
  if (a.via === b.via && a.tls === b.tls && a.from === b.from) return true
  return routeKey(a) === routeKey(b)
}
