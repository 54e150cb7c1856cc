// The first layer where the client's packets name the destination: the SYN is answered only after the server has accepted a connection.
import { OpenFailure } from './commands.js'
import { isInside } from './context.js'
import { type Context, type Layer, log, type Step } from './layer.js'
import { open, routeTo } from './open.js'
import type { Destination, Route } from './route.js'

/** How the client is refused for a code of an OpenFailure. All other codes are `unreachable`. */
const REFUSALS: Record<string, 'refused' | 'unreachable' | 'prohibited'> = {
  ECONNREFUSED: 'refused',
  LOOP: 'prohibited',
  KILLED: 'refused',
}

/** Ports of the tunnel's own address, for which no server is dialled: DNS, and the page with the certificate. Others are refused. */
const INSIDE_PORTS: readonly number[] = [53, 80, 443]

export const reachLayer: Layer = function* (context) {
  if (context.inside && !INSIDE_PORTS.includes(context.destination?.port ?? 0)) {
    yield { type: 'refuse', reason: 'refused' }
    return undefined
  }
  const eager = context.options.connection_strategy === 'eager' && context.client.connection.transport === 'tcp'
  if (eager && !context.inside) {
    const failure = yield* reach(context)
    if (failure) {
      log(context, 'info', failure.message)
      yield { type: 'refuse', reason: REFUSALS[failure.code] ?? 'unreachable' }
      return undefined
    }
  }
  yield { type: 'accept' }
  return 'next'
}

/** Leads a client that has named its destination there. The answer is why the server cannot be reached. */
export function* leadTo(context: Context, to: Destination): Step<OpenFailure | undefined> {
  const { options } = context
  context.destination = to
  context.inside = isInside(options, to.host)
  // The TLS that the client has with midwire as its proxy is nothing to the server.
  context.serverTls = undefined
  context.secured = false
  return options.connection_strategy === 'eager' && !context.inside ? yield* reach(context) : undefined
}

/** Most HTTP proxies refuse CONNECT to the port of plain HTTP, which they forward: it is not tried before it is known to be another protocol. */
function isForwarded({ to, via }: Route): boolean {
  const scheme = via.at(-1)?.scheme
  return to.port === 80 && (scheme === 'http' || scheme === 'https')
}

/** Connects to the destination, unless an idle connection shows that the server can be reached. */
function* reach(context: Context): Step<OpenFailure | undefined> {
  const { destination } = context
  if (!destination) return undefined
  const route = routeTo(context, destination)
  if (isForwarded(route)) return undefined
  if (yield { type: 'known', place: route }) return undefined
  const opened = yield* open(context, route)
  if (opened instanceof OpenFailure) return opened
  context.server = opened
  return undefined
}
