// The list of all layers, by name.
import { acceptLayer } from './accept.js'
import { byNameLayer } from './by-name.js'
import { dnsLayer } from './dns.js'
import { http1Layer, httpProxyLayer } from './http/h1.js'
import { http2Layer } from './http/h2.js'
import { replayLayer } from './http/replay.js'
import type { Layers } from './layer.js'
import { nextLayer } from './next.js'
import { ignoreLayer, rawLayer } from './raw.js'
import { reachLayer } from './reach.js'
import { refuseLayer } from './refuse.js'
import { socksLayer } from './socks.js'
import { tlsLayer } from './tls.js'
import { websocketLayer } from './websocket.js'

export const LAYERS: Layers = {
  reach: reachLayer,
  accept: acceptLayer,
  'by-name': byNameLayer,
  socks: socksLayer,
  next: nextLayer,
  ignore: ignoreLayer,
  tls: tlsLayer,
  'http-proxy': httpProxyLayer,
  http1: http1Layer,
  http2: http2Layer,
  websocket: websocketLayer,
  dns: dnsLayer,
  raw: rawLayer,
  refuse: refuseLayer,
  replay: replayLayer,
}
