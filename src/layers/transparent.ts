// Where the client's packets name the destination themselves: the SYN is answered once it is known that somebody is there.
import { OpenFailure } from './commands.js'
import { type Context, type Layer, log, open, type Step } from './layer.js'

/** What an error of connect(2) is for the client: the same, as far as TCP and ICMP can say it. */
const REFUSALS: Record<string, 'refused' | 'unreachable' | 'prohibited'> = {
  ECONNREFUSED: 'refused',
  LOOP: 'prohibited',
  KILLED: 'refused',
}

/** Of the tunnel's own address: DNS, and the page with the certificate. Nothing else is there, and nothing leaves for it. */
const INSIDE_PORTS: readonly number[] = [53, 80, 443]

export const transparentLayer: Layer = function* (context) {
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

/** Connects to the destination, unless an idle connection tells that somebody is there. */
function* reach(context: Context): Step<OpenFailure | undefined> {
  const { destination } = context
  if (!destination || (yield { type: 'known', to: destination })) return undefined
  const opened = yield* open(destination)
  if (opened instanceof OpenFailure) return opened
  context.server = opened
  return undefined
}
