// The option `via`: which connections leave by which proxies. The first entry that matches says.
import { MidwireError } from '../../errors.js'
import { type FlowFilter, seeksProcesses } from '../../flow/filter.js'
import { connectRequest, HttpFlow } from '../../flow/http.js'
import type { AnyFlow } from '../../flow/index.js'
import { parseRuleFilter, partsOf } from '../../flow/rule.js'
import { type Hop, parseVia } from '../../flow/via.js'
import { type Context, origin } from '../layer.js'
import type { Destination, ServerTls } from '../route.js'

/** An entry of the option. */
export interface ViaRule {
  /** The flows that the entry is for; undefined for all. */
  readonly filter: FlowFilter | undefined
  /** The filter asks about the client's process. */
  readonly seeksProcesses: boolean
  readonly via: readonly Hop[]
}

/** The characters that a way begins with: those of a scheme, a host, a user name, or the brackets of IPv6. Others separate. */
const WAY = /^[\p{L}\p{N}[_%-]/u

/**
 * Reads the entries: each is a way, `socks5://host:1080`, or a rule `/FILTER/WAY`, whose first character is the separator. Throws
 * ERR_VIA and ERR_FILTER, which say the entry.
 */
export function parseViaRules(entries: readonly string[]): readonly ViaRule[] {
  return entries.map((text, index) => parseRule(text.trim(), `entry ${index + 1}, `))
}

function parseRule(text: string, label: string): ViaRule {
  if (WAY.test(text)) return { filter: undefined, seeksProcesses: false, via: parseVia(text, label) }
  const [filter = '', way] = partsOf(text, 2)
  // A text without a second separator may hold a password, so it is not shown.
  if (way === undefined) {
    throw new MidwireError('ERR_VIA', `${label}this is neither a way nor a rule, as in /~d example.com/socks5://host`)
  }
  const parsed = {
    filter: parseRuleFilter(filter, `via ${label.slice(0, -2)}`),
    seeksProcesses: seeksProcesses(filter),
  }
  return { ...parsed, via: parseVia(way.trim(), label) }
}

/**
 * The way that the option has for a connection to `to`; undefined where no entry matches. Before there is a flow, the filters are
 * asked about a CONNECT that goes there.
 */
export function ruledVia(
  context: Context,
  to: Destination,
  tls: ServerTls | undefined,
  flow: AnyFlow | undefined,
): readonly Hop[] | undefined {
  const { via: rules } = context.options
  if (rules.length === 0) return undefined
  // A flow that is not HTTP has its destination in its server alone, which is not there yet.
  const isLost = flow !== undefined && flow.type !== 'http' && flow.server === undefined
  if (isLost) flow.server = { id: '', ...to }
  let asked = flow
  const rule = rules.find(({ filter }) => {
    if (!filter) return true
    asked ??= standIn(context, to, tls)
    return filter(asked)
  })
  if (isLost) flow.server = undefined
  return rule?.via
}

/** As in the request that may follow, the destination is the host, and the name that TLS has is that of the Host field. */
function standIn(context: Context, { host, port }: Destination, tls: ServerTls | undefined): HttpFlow {
  const request = connectRequest(host, port, context.machine.world.now())
  if (tls?.sni !== undefined) request.headers.set('Host', `${tls.sni}:${port}`)
  return new HttpFlow(origin(context, undefined), request)
}
