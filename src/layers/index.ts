// The list of all layers, by name.
import { dnsLayer } from './dns.js'
import { explicitLayer } from './explicit.js'
import { http1Layer, httpProxyLayer } from './http1.js'
import type { Layers } from './layer.js'
import { nextLayer } from './next.js'
import { ignoreLayer, rawLayer } from './raw.js'
import { tlsLayer } from './tls.js'
import { transparentLayer } from './transparent.js'

export const LAYERS: Layers = {
  transparent: transparentLayer,
  explicit: explicitLayer,
  next: nextLayer,
  ignore: ignoreLayer,
  tls: tlsLayer,
  'http-proxy': httpProxyLayer,
  http1: http1Layer,
  dns: dnsLayer,
  raw: rawLayer,
}
