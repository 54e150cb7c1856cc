// Opens a connection by its route: to the server, or through the proxies on the way to it, and with the server's TLS.
import type { ServerConnection } from '../connection.js'
import type { AnyFlow } from '../flow/index.js'
import { DIRECT, type Hop, hopText, type ProxyHop, proxiesOf } from '../flow/via.js'
import type { Channel } from './channel.js'
import { type Opened, OpenFailure } from './commands.js'
import { type Context, type Step, secureServer, serverName, wants } from './layer.js'
import type { Destination, Route, ServerTls, Source } from './route.js'
import { plannedTls, planServer } from './tls/plan.js'
import { HOPS } from './via/index.js'
import { ruledVia } from './via/rules.js'
import { askForRelay } from './via/socks5.js'

/**
 * The route of a connection to `to`. The proxies are those of the flow, else of the client's tunnel, else of the option `via`, else of
 * the client's entrance.
 */
export function routeTo(
  context: Context,
  to: Destination,
  tls: ServerTls | undefined = undefined,
  flow?: AnyFlow,
): Route {
  const { entrance, options } = context
  const via = flow?.via ?? context.via ?? ruledVia(context, to, tls, flow) ?? entrance.via ?? DIRECT
  return {
    to,
    via,
    from: clientAddress(context, via) ?? options.connect_addr,
    tls: tls && plannedTls(context, to, tls),
  }
}

/** The client's address, where it is kept: by a direct way, and by that of a proxy that the client itself has asked for. */
function clientAddress({ entrance, options, via: own }: Context, via: readonly Hop[]): Source | undefined {
  return options.spoof_source_address && (via.length === 0 || via === own) ? entrance.source : undefined
}

/** The place of a proxy, as a server to connect to. */
export const placeOfHop = ({ host, port }: ProxyHop): Destination => ({ host, port, transport: 'tcp' })

/** How TLS is done with a proxy. */
export const tlsWithHop = ({ host }: ProxyHop): ServerTls => ({
  sni: serverName(host),
  alpn: ['http/1.1'],
  ofHop: true,
})

/**
 * Opens a connection by its route, through all proxies and with the server's TLS. `pooled`: true allows, and `only` demands, an idle
 * connection of the pool. Undefined where `only` has found none.
 */
export function* open(context: Context, route: Route, pooled: boolean | 'only' = false): Step<Opened | undefined> {
  if (route.tls && wants(context, 'tls_start_server')) {
    const tls = yield* planServer(context, route.to, route.tls)
    // The connection is that of the settings which it has: with others it must not be found in the pool.
    if (tls !== route.tls) return yield* open(context, { ...route, tls }, pooled)
  }
  const opened = yield* attempt(context, route, pooled)
  return opened instanceof OpenFailure && opened.again ? yield* attempt(context, route, pooled) : opened
}

function* attempt(context: Context, route: Route, pooled: boolean | 'only'): Step<Opened | undefined> {
  const proxies = proxiesOf(route.via)
  if (proxies.length === 0) return yield* dial(route, pooled)
  const isUdp = route.to.transport === 'udp'
  const obstacle = isUdp ? obstacleTo(proxies) : undefined
  if (obstacle !== undefined) return cannotPass(context, route, obstacle)
  const opened = yield* dial(route, pooled)
  if (!opened || opened instanceof OpenFailure || opened.reused) return opened
  const [relay] = isUdp ? proxies : []
  const failure = yield* relay
    ? throughRelay(context, opened, relay, route)
    : throughProxies(context, opened, proxies, route)
  if (!failure) {
    opened.route = route
    return opened
  }
  opened.connection.error = failure.message
  yield { type: 'close', channel: opened }
  return failure
}

function* dial(route: Route, pooled: boolean | 'only'): Step<Opened | undefined> {
  return (yield { type: 'open', route, pooled }) as Opened | undefined
}

/** The proxy by which datagrams cannot pass, and why. The relay of a proxy is reached directly, or through a tunnel. */
export function obstacleTo(proxies: readonly ProxyHop[]): string | undefined {
  const wrong = proxies.find(({ scheme }) => scheme !== 'socks5')
  if (wrong) return `${hopText(wrong)}: of all proxies only SOCKS5 has datagrams`
  const [first, second] = proxies
  return (
    first && second && `${hopText(first)} to ${hopText(second)}: they go by one SOCKS5 proxy, not by one behind another`
  )
}

function cannotPass(context: Context, { to, via }: Route, obstacle: string): OpenFailure {
  const server = { id: context.machine.world.newId(), ...to, via: via.map(hopText) }
  return new OpenFailure(server, 'VIA', `datagrams cannot pass through ${obstacle}`)
}

/** Asks a proxy for a relay, by which the datagrams go from then on. Names are left to the proxy. */
function* throughRelay(
  context: Context,
  channel: Channel<ServerConnection>,
  hop: ProxyHop,
  route: Route,
): Step<OpenFailure | undefined> {
  const at = yield* askForRelay(context, channel, hop)
  if (!('code' in at)) return (yield { type: 'relay', channel, route, at }) as OpenFailure | undefined
  const message = `the proxy ${hopText(hop)} relays no datagrams: ${at.message}`
  return new OpenFailure(channel.connection, at.code, message)
}

function* throughProxies(
  context: Context,
  channel: Channel<ServerConnection>,
  proxies: readonly ProxyHop[],
  route: Route,
): Step<OpenFailure | undefined> {
  const { via, tls, to, from } = route
  for (const [index, hop] of proxies.entries()) {
    const own: Route = { to: placeOfHop(hop), via: via.slice(0, via.indexOf(hop)), from, tls: tlsWithHop(hop) }
    const failure =
      (hop.scheme === 'https' ? yield* secureServer(channel, own, true) : undefined) ??
      (yield* throughProxy(context, channel, hop, proxies[index + 1] ?? to))
    if (failure) return failure
  }
  if (!tls) return undefined
  // Before its ClientHello a server of TLS sends nothing. Bytes that are here would be read as a part of the handshake.
  if (channel.buffered > 0) {
    return new OpenFailure(channel.connection, 'VIA', `${to.host}:${to.port} speaks before the TLS handshake`)
  }
  return yield* secureServer(channel, route)
}

function* throughProxy(
  context: Context,
  channel: Channel<ServerConnection>,
  hop: ProxyHop,
  { host, port }: { readonly host: string; readonly port: number },
): Step<OpenFailure | undefined> {
  const failure = yield* HOPS[hop.scheme](context, channel, hop, { host, port, transport: 'tcp' })
  if (!failure) return undefined
  const message = `the proxy ${hopText(hop)} has not connected to ${host}:${port}: ${failure.message}`
  return new OpenFailure(channel.connection, failure.code, message)
}
