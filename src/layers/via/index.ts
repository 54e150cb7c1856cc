// The list of all kinds of hops, by scheme.
import type { ProxyHop } from '../../flow/via.js'
import type { HopLayer } from './hop.js'
import { throughHttp } from './http.js'
import { throughSocks4a } from './socks4a.js'
import { throughSocks5 } from './socks5.js'

export const HOPS: Readonly<Record<ProxyHop['scheme'], HopLayer>> = {
  http: throughHttp,
  https: throughHttp,
  socks5: throughSocks5,
  socks4a: throughSocks4a,
}
