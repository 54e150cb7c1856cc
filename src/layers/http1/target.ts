// Where a request goes: from its target, its Host field, and what is known of the connection (RFC 9112, 3.2).
import type { Context } from '../layer.js'
import { Http1Error } from './error.js'
import type { RequestHead } from './head.js'

export interface Place {
  scheme: 'http' | 'https'
  host: string
  port: number
  /** The target in origin-form, or `*`. */
  path: string
}

/** A place, and what the target says that Host is. */
export interface Target extends Place {
  /** `host` or `host:port`, as it stands in a target that is a URL. */
  authority?: string
}

/** Where a connection goes that is not to a proxy. */
export function placeOf(context: Context): Omit<Place, 'path'> {
  const { destination, client } = context
  // Of what goes on inside a tunnel, it is the tunnel's TLS that counts: the client may have come to us by TLS, too.
  const scheme = context.serverTls ? 'https' : 'http'
  const { address, port } = client.connection.local
  return { scheme, host: destination?.host ?? address, port: destination?.port ?? port }
}

/** `place` is undefined where the client speaks to a proxy and has to say it itself. */
export function targetOf(head: RequestHead, place: Omit<Place, 'path'> | undefined): Target {
  const { method, target } = head
  if (method === 'CONNECT') return { scheme: 'https', ...authority(target, undefined), path: '' }
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) {
    if (place) return { scheme: place.scheme, host: place.host, port: place.port, path: target }
    throw new Http1Error(
      400,
      `this is a proxy, and the request for ${target} does not say where to: use http://host/path`,
    )
  }
  const scheme = /^(https?):\/\/([^/?#]*)/i.exec(target)
  if (!scheme?.[1] || !scheme[2]) throw new Http1Error(400, 'a request target that is neither a path nor a URL')
  const secure = scheme[1].toLowerCase() === 'https'
  const rest = target.slice(scheme[0].length)
  const path = rest.startsWith('/') ? rest : method === 'OPTIONS' && rest === '' ? '*' : `/${rest}`
  // In the open, the connection says where it goes: the target only names it.
  const named = authority(scheme[2], secure ? 443 : 80)
  // An empty port is the default one (RFC 3986, 3.2.3), and is not passed on.
  const text = scheme[2].replace(/:$/, '')
  if (place) return { ...place, path, authority: text }
  return { scheme: secure ? 'https' : 'http', ...named, path, authority: text }
}

/** `host:port`, `host:` or `host`, the latter two where there is a default port; IPv6 in brackets. */
function authority(text: string, defaultPort: number | undefined): { host: string; port: number } {
  if (text.includes('@')) throw new Http1Error(400, 'a user name in the request target')
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{0,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] ? Number(parts[3]) : defaultPort
  if (!host || port === undefined || port < 1 || port > 65_535) {
    throw new Http1Error(400, `${JSON.stringify(text)} is no host and port`)
  }
  return { host, port }
}
