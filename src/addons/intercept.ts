// The option `intercept`: flows that match wait at their request, their response and each message, until the user lets them go on.
import { parseFilter } from '../flow/filter.js'
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { Addon } from '../hooks.js'
import type { Surroundings } from './by-option.js'

/** Flows that may wait at once. Beyond that flows go on, which the log says once. */
const MAX_WAITING = 1_000

/** Throws ERR_FILTER for a filter that is wrong. */
export function intercept(filter: string, { log }: Surroundings): Addon {
  const matches = parseFilter(filter)
  const waiting = new Set<AnyFlow>()
  let passed = 0
  const wants = (flow: AnyFlow): boolean => flow.replayed === undefined && matches(flow)
  const hold = (flow: AnyFlow, where: string): void => {
    // What comes from a file does not run.
    if (!flow.live || !wants(flow)) return
    for (const one of waiting) if (!one.intercepted || !one.live) waiting.delete(one)
    if (waiting.size >= MAX_WAITING) {
      if (passed === 0) log('warn', `intercept: ${MAX_WAITING} flows wait already; others go on without`)
      passed += 1
      return
    }
    waiting.add(flow)
    flow.intercept()
    log('info', `intercept: ${nameOf(flow)} waits at its ${where}`)
  }
  /** A body that passes before its hook could not be changed there. One without a length may have no end. */
  const keep = (flow: HttpFlow, side: 'request' | 'response'): void => {
    const message = flow[side]
    if (message?.headers.has('content-length') && wants(flow)) message.stream ??= false
  }
  return {
    name: 'intercept',
    requestheaders: (flow) => keep(flow, 'request'),
    request(flow) {
      // What another addon has answered waits as a response.
      if (!flow.request.streamed && !flow.response) hold(flow, 'request')
    },
    responseheaders: (flow) => keep(flow, 'response'),
    response(flow) {
      if (!flow.response?.streamed) hold(flow, 'response')
    },
    websocket_message: (flow) => hold(flow, 'message'),
    tcp_message: (flow) => hold(flow, 'message'),
    udp_message: (flow) => hold(flow, 'message'),
    dns_request: (flow) => hold(flow, 'request'),
    dns_response: (flow) => hold(flow, 'response'),
  }
}

/** A flow as the log names it; control characters do not get there. */
function nameOf(flow: AnyFlow): string {
  if (flow.type === 'http')
    return JSON.stringify(`${flow.request.method} ${flow.request.url}`.slice(0, 200)).slice(1, -1)
  if (flow.type === 'dns')
    return `the DNS query for ${JSON.stringify(flow.request.questions[0]?.name ?? '').slice(1, -1)}`
  return `the ${flow.type.toUpperCase()} flow to ${flow.server?.host ?? 'its server'}:${flow.server?.port ?? 0}`
}
