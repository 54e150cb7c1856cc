// Looks at what has come, and hands over to the layer that understands it. The rules are decide.ts's.
import { OpenFailure } from './commands.js'
import { decide, type Evidence } from './decide.js'
import { type Context, type Layer, log, more, open, type Step } from './layer.js'
import { TIMEOUT } from './world.js'

/** Silence of a client: after it the server is asked whether it speaks first, and what the client has begun is taken as it is. */
const PATIENCE_MILLISECONDS = 500

export const nextLayer: Layer = function* (context) {
  const { client } = context
  let asked = false
  let waited = false
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

/** Nobody has asked the server yet, and the client is silent: it may be the server that speaks first. */
function needsServer({ client, destination, inside, server }: Context): boolean {
  return !server && !inside && destination !== undefined && client.connection.transport === 'tcp'
}

function* askServer(context: Context): Step<void> {
  if (!context.destination) return
  const opened = yield* open(context.destination)
  if (opened instanceof OpenFailure) context.serverFailure = opened
  else context.server = opened
}

const NOTHING = Buffer.alloc(0)

function evidence(context: Context, waited: boolean): Evidence {
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
    serverEnded: server?.over,
    clientTls: secured,
    alpn: tls?.alpn,
    sni: tls?.sni,
    destination: destination && { host: destination.host, port: destination.port },
    virtualResolver: context.virtualResolver,
    waited,
    options: context.options,
  }
}
