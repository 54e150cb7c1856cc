// Decides where a request goes, by its target and by the destination of its connection (RFC 9112, 3.2).
import type { Context } from '../../layer.js'
import { HttpError } from '../error.js'
import type { RequestHead } from './head.js'

export interface Place {
  scheme: 'http' | 'https'
  host: string
  port: number
  /** The target in origin-form, or `*`. */
  path: string
}

/** A place, and the value that the target gives to Host. */
export interface Target extends Place {
  /** `host` or `host:port` of a target that is a URL; undefined for other targets. */
  authority?: string
  /** Scheme and authority of a target that is a URL, and stays one. */
  absolute?: string
}

/** The place that the requests of a connection go to, where the client does not use a proxy. */
export function placeOf(context: Context): Omit<Place, 'path'> {
  const { destination, client } = context
  // The scheme follows the TLS towards the server: the client's own TLS may be with midwire as its proxy.
  const scheme = context.serverTls ? 'https' : 'http'
  const { address, port } = client.connection.local
  return { scheme, host: destination?.host ?? address, port: destination?.port ?? port }
}

/** The target of a request. `place` is undefined where the client uses midwire as its proxy, and its requests have to name the place. */
export function targetOf(head: RequestHead, place: Omit<Place, 'path'> | undefined): Target {
  const { method, target } = head
  if (method === 'CONNECT') return { scheme: 'https', ...authority(target, undefined), path: '' }
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) {
    if (place) return { scheme: place.scheme, host: place.host, port: place.port, path: target }
    throw new HttpError(
      400,
      `this is a proxy, and the request for ${target} does not say where to: use http://host/path`,
    )
  }
  const scheme = /^(https?):\/\/([^/?#]*)/i.exec(target)
  if (!scheme?.[1] || !scheme[2]) throw new HttpError(400, 'a request target that is neither a path nor a URL')
  const secure = scheme[1].toLowerCase() === 'https'
  const rest = target.slice(scheme[0].length)
  const path = rest.startsWith('/') ? rest : method === 'OPTIONS' && rest === '' ? '*' : `/${rest}`
  // Without an explicit proxy the connection decides where the request goes, and the target only gives the name.
  const named = authority(scheme[2], secure ? 443 : 80)
  // An empty port is the default one (RFC 3986, 3.2.3), and is not passed on.
  const text = scheme[2].replace(/:$/, '')
  if (place) return { ...place, path, authority: text, absolute: `${scheme[1].toLowerCase()}://${text}` }
  return { scheme: secure ? 'https' : 'http', ...named, path, authority: text }
}

/** Reads `host:port`; where there is a default port, also `host:` and `host`. IPv6 addresses are in brackets. */
function authority(text: string, defaultPort: number | undefined): { host: string; port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{0,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] ? Number(parts[3]) : defaultPort
  if (!host || port === undefined || port < 1 || port > 65_535) {
    throw new HttpError(400, `${JSON.stringify(text)} is no host and port`)
  }
  return { host, port }
}
