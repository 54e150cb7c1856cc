// Looks at the first bytes of a connection, and hands it on to the layer that understands them. The rules are in `decide.ts`.
import type { NextLayerHook, ProtocolName } from '../hooks.js'
import type { AnyChannel } from './channel.js'
import { OpenFailure } from './commands.js'
import { decide, type Evidence, type Verdict } from './decide.js'
import { type Context, hook, type Layer, log, more, type Step, wants } from './layer.js'
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
    const seen = evidence(context, waited)
    const before = comeSoFar(context)
    const { decision, reason } = wants(context, 'next_layer')
      ? yield* decideWithAddons(context, seen, decide(seen))
      : decide(seen)
    if (decision !== 'more') {
      log(context, 'debug', `${decision}: ${reason}`)
      return decision
    }
    // More has come while an addon was waited for.
    if (comeSoFar(context) !== before) continue
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

/** The verdict after the hook `next_layer`: midwire's own, unless an addon has set another one that can be. */
function* decideWithAddons(context: Context, seen: Evidence, verdict: Verdict): Step<Verdict> {
  const { client, server } = context
  const own = verdict.decision === 'more' ? undefined : verdict.decision
  const subject: NextLayerHook = {
    client: client.connection,
    server: server?.connection,
    destination: seen.destination && { host: seen.destination.host, port: seen.destination.port },
    clientData: seen.clientBytes,
    serverData: server ? peek(server) : NOTHING,
    decrypted: context.secured,
    protocol: own,
  }
  yield* hook(context, 'next_layer', subject)
  const { protocol } = subject
  if (protocol === undefined || protocol === own) return verdict
  if (!possible(seen).includes(protocol)) {
    log(
      context,
      'warn',
      `next_layer: an addon has chosen ${protocol}, which cannot be here; it can be ${possible(seen).join(', ')}`,
    )
    return verdict
  }
  return { decision: protocol, reason: 'an addon has chosen it (next_layer)' }
}

/** What a connection may go on as. */
function possible({ transport, destination, clientTls }: Evidence): readonly ProtocolName[] {
  if (transport === 'udp') return ['dns', 'raw', 'ignore', 'refuse']
  const inside = clientTls ? [] : (['tls'] as const)
  if (!destination) return [...inside, 'http-proxy', 'socks']
  return [...inside, 'http1', 'http2', 'dns', 'raw', 'ignore']
}

const comeSoFar = ({ client, server }: Context): number => client.buffered + (server?.buffered ?? 0)

/** The first datagram of a channel, or all of its bytes, which stay in it. */
function peek(channel: AnyChannel): Buffer {
  if (channel.connection.transport === 'udp') return channel.chunks[0] ?? NOTHING
  const bytes = channel.takeAll()
  channel.unread(bytes)
  return bytes
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
