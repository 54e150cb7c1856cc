// The option `throttle`: flows that a rule matches are as slow as those of a phone, or have no network at all.
import { MidwireError } from '../errors.js'
import { seeksBodies } from '../flow/filter.js'
import type { ThrottleLimits } from '../flow/flow.js'
import type { AnyFlow } from '../flow/index.js'
import { parseRuleFilter, partsOf } from '../flow/rule.js'
import type { Addon } from '../hooks.js'

/** What a rule does with a flow. */
export type Speed = ThrottleLimits | 'offline'

/** Networks by Chromium's names, with the values of its developer tools: bytes a second, and milliseconds. */
const PRESETS: Readonly<Record<string, Speed>> = {
  '3g': { down: 50_000, up: 50_000, latency: 2_000 },
  'slow-4g': { down: 180_000, up: 84_375, latency: 562 },
  'fast-4g': { down: 1_012_500, up: 168_750, latency: 165 },
  offline: 'offline',
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** The characters that limits begin with. Others separate the filter of a rule from its limits. */
const LIMITS = /^[a-z0-9]/i

/** The first rule that matches counts. Throws ERR_OPTION and ERR_FILTER for one that is wrong. */
export function throttle(rules: readonly string[]): Addon {
  const read = rules.map((text, index) => readRule(text.trim(), `throttle, rule ${index + 1}`))
  const slow = (flow: AnyFlow) => {
    const speed = flow.error ? undefined : read.find(({ matches }) => matches(flow))?.speed
    if (speed === 'offline') goOffline(flow)
    else if (speed) flow.throttle(speed)
  }
  return { name: 'throttle', requestheaders: slow, tcp_start: slow, udp_start: slow, dns_request: slow }
}

function goOffline(flow: AnyFlow): void {
  flow.kill()
  if (flow.error) flow.error = { ...flow.error, message: 'throttle: the client is offline' }
}

function readRule(text: string, label: string) {
  if (LIMITS.test(text)) return { matches: () => true, speed: parseSpeed(text, label) }
  const [filter = '', limits] = partsOf(text, 2)
  if (limits === undefined) refuse(label, text)
  const matches = parseRuleFilter(filter, label)
  if (seeksBodies(filter)) {
    throw new MidwireError('ERR_OPTION', `${label}: ~b, ~bq and ~bs come too late: no body has come when a flow begins`)
  }
  return { matches, speed: parseSpeed(limits, label) }
}

/** Reads `3g`, `rate=1m,latency=200ms,loss=1%`, `slow-4g,latency=0ms`: what stands later counts. Throws ERR_OPTION. */
export function parseSpeed(text: string, label: string): Speed {
  let limits: ThrottleLimits = {}
  let isOffline = false
  for (const one of text.split(',').map((part) => part.trim().toLowerCase())) {
    const preset = Object.hasOwn(PRESETS, one) ? PRESETS[one] : undefined
    const limit = preset ?? limitOf(one)
    if (!limit) refuse(label, one)
    if (limit === 'offline') isOffline = true
    else limits = { ...limits, ...limit }
  }
  return isOffline ? 'offline' : limits
}

function limitOf(text: string): ThrottleLimits | undefined {
  const [, name, number = '', unit = ''] =
    /^(rate|down|up|latency|loss)=(\d{1,9}(?:\.\d{1,3})?)(ms|s|[kmg]|%)?$/.exec(text) ?? []
  const value = Number(number)
  if (name === 'latency')
    return unit === 's' ? { latency: value * 1_000 } : unit === 'ms' ? { latency: value } : undefined
  if (name === 'loss') return unit === '%' && value <= 100 ? { loss: value / 100 } : undefined
  const bytes = value * (UNITS[unit] ?? 0)
  if (name === undefined || bytes < 1) return undefined
  return { ...(name !== 'up' && { down: bytes }), ...(name !== 'down' && { up: bytes }) }
}

function refuse(label: string, text: string): never {
  const wanted = `${Object.keys(PRESETS).join(', ')}, or limits: rate=1m, down=1m, up=100k (bytes a second), latency=200ms, loss=1%`
  throw new MidwireError(
    'ERR_OPTION',
    `${label}: ${JSON.stringify(text)} is not ${wanted}; before them /FILTER/ if you like`,
  )
}
