// Looks at the first bytes of a connection, and hands it on to the layer that understands them. The rules are in `decide.ts`.
import { OpenFailure } from './commands.js'
import { decide, type Evidence } from './decide.js'
import { type Context, type Layer, log, more, type Step } from './layer.js'
import { open, routeTo } from './open.js'
import { TIMEOUT } from './world.js'

/**
 * How long a client may be silent. After that the server is connected to, in case it speaks first; where the client has begun, it is
 * decided by the bytes that it has sent.
 */
const PATIENCE_MILLISECONDS = 500

export const nextLayer: Layer = function* (context) {
  const { client } = context
  let asked = false
  let waited = false
  // A UDP flow begins with a datagram, which comes a moment after its client.
  if (client.connection.transport === 'udp' && client.chunks.length === 0) yield* more(client, 0)
  for (;;) {
    const { decision, reason } = decide(evidence(context, waited))
    if (decision !== 'more') {
      log(context, 'debug', `${decision}: ${reason}`)
      return decision
    }
    const begun = client.buffered > 0
    const mayAsk = !asked && !begun && needsServer(context)
    const patience = mayAsk || (begun && !waited) ? PATIENCE_MILLISECONDS : 0
    const arrived = yield* more(client, patience, context.server)
    const enough = arrived === TIMEOUT || client.ended || client.closed
    if (arrived === TIMEOUT && mayAsk) {
      asked = true
      yield* askServer(context)
    } else if (enough && begun && !waited) {
      waited = true
    } else if (enough && arrived !== true) {
      yield { type: 'close', channel: client }
      return undefined
    }
  }
}

/** Whether the server is still to be connected to: with a client that is silent it may be the server that speaks first. */
function needsServer({ client, destination, inside, server }: Context): boolean {
  return !server && !inside && destination !== undefined && client.connection.transport === 'tcp'
}

function* askServer(context: Context): Step<void> {
  if (!context.destination) return
  const opened = yield* open(context, routeTo(context, context.destination, context.serverTls))
  if (opened instanceof OpenFailure) context.serverFailure = opened
  else context.server = opened
}

const NOTHING = Buffer.alloc(0)

function evidence(context: Context, waited: boolean): Evidence {
  const { client, destination, server } = context
  const { transport } = client.connection
  const tls = context.secured ? client.connection.tls : undefined
  // The rules look at one datagram of a UDP flow, and at all bytes so far of a TCP connection.
  const bytes = transport === 'udp' ? client.chunks[0] : client.takeAll()
  if (transport === 'tcp' && bytes) client.unread(bytes)
  return {
    transport,
    clientBytes: bytes ?? NOTHING,
    clientEnded: client.ended,
    serverBytes: server?.buffered ?? 0,
    serverEnded: server?.over,
    clientTls: context.secured,
    alpn: tls?.alpn,
    sni: tls?.sni,
    destination: destination && { host: destination.host, port: destination.port },
    entrance: context.entrance,
    waited,
    options: context.options,
  }
}
