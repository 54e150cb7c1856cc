// Looks at what has come, and hands over to the layer that understands it. The rules are decide.ts's.

import { OpenFailure } from './commands.js'
import { type Decision, decide, type Evidence } from './decide.js'
import { dnsLayer } from './dns.js'
import { http1Layer, httpProxyLayer } from './http1.js'
import { type Context, type Layer, log, more, open } from './layer.js'
import { TIMEOUT } from './machine.js'
import { ignoreLayer, rawLayer } from './raw.js'
import { tlsLayer } from './tls.js'

/** Silence of a client after which the server is asked whether it speaks first. */
const SERVER_FIRST_MILLISECONDS = 500

/** Layers name each other in circles, so each is looked up when it is needed. */
const LAYERS: Record<Exclude<Decision, 'more'>, () => Layer> = {
  ignore: () => ignoreLayer,
  tls: () => tlsLayer,
  'http-proxy': () => httpProxyLayer,
  http1: () => http1Layer,
  dns: () => dnsLayer,
  raw: () => rawLayer,
}

export const nextLayer: Layer = function* (context) {
  const { client, options } = context
  let asked = false
  for (;;) {
    const { decision, reason } = decide(evidence(context))
    if (decision !== 'more') {
      log(context, 'debug', `${decision}: ${reason}`)
      return LAYERS[decision]()
    }
    const silent = client.buffered === 0
    const mayAsk =
      !asked &&
      silent &&
      !context.server &&
      !context.inside &&
      context.destination !== undefined &&
      client.connection.transport === 'tcp'
    const patience = mayAsk ? SERVER_FIRST_MILLISECONDS : options.tcp_timeout * 1000
    const arrived = yield* more(client, patience, context.server)
    if (arrived === TIMEOUT && mayAsk && context.destination) {
      asked = true
      const opened = yield* open(context.destination)
      if (opened && !(opened instanceof OpenFailure)) context.server = opened
      else if (opened) context.failure = opened
      continue
    }
    if (arrived === TIMEOUT || client.over) {
      yield { type: 'close', channel: client }
      return undefined
    }
  }
}

const NOTHING = Buffer.alloc(0)

function evidence(context: Context): Evidence {
  const { client, destination, server } = context
  const { tls, transport } = client.connection
  // Datagrams are looked at one by one, bytes as far as they have come.
  const bytes = transport === 'udp' ? client.chunks[0] : client.takeAll()
  if (transport === 'tcp' && bytes) client.unread(bytes)
  const secured = tls?.establishedAt !== undefined
  return {
    mode: context.mode,
    transport,
    clientBytes: bytes ?? NOTHING,
    clientEnded: client.ended,
    serverBytes: server?.buffered ?? 0,
    clientTls: secured,
    alpn: tls?.alpn,
    sni: tls?.sni,
    destination: destination && { host: destination.host, port: destination.port },
    virtualResolver: context.virtualResolver,
    options: context.options,
  }
}
