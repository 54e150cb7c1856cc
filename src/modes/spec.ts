// The grammar of a mode's spec, `name[:data][@[host:]port][ via PROXIES]`, and the check that no two specs listen on one address.
import { isIP } from 'node:net'
import { hostPort, plainAddress } from '../addresses.js'
import { MidwireError, nearest } from '../errors.js'
import { parseVia } from '../flow/via.js'
import type { Options } from '../options/definitions.js'
import { MODES } from './index.js'
import { defaultsOf, type ListenOptions, listenAddress } from './listen.js'
import type { Mode, ModeSpec } from './mode.js'
import { quotedSpec, shownSpec } from './quoted.js'

/** Throws ERR_MODE. The host may be a name, an IPv4 address or an IPv6 address with or without brackets. */
export function parseSpec(text: string): ModeSpec {
  const [, own = text, way] = /^(.*?)\s+via(|\s.*)$/is.exec(text.trim()) ?? [undefined, text.trim(), undefined]
  // The last @ begins the address, so that a path in `data` may hold others.
  const at = own.lastIndexOf('@')
  const left = at === -1 ? own : own.slice(0, at)
  const colon = left.indexOf(':')
  const given = colon === -1 ? left : left.slice(0, colon)
  const mode = MODES.find(({ name }) => name === given.toLowerCase())
  if (!mode) throw unknownMode(text, given)
  const data = colon === -1 ? undefined : left.slice(colon + 1) || undefined
  if (data !== undefined && mode.data === undefined) {
    throw new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${mode.name} takes nothing after a colon`)
  }
  const listen = at === -1 ? { host: undefined, port: undefined } : parseListen(text, own.slice(at + 1))
  const via = way === undefined ? undefined : parseVia(way.trim())
  const spec: ModeSpec = { text, shown: shownSpec(text), name: mode.name, data, via, ...listen }
  mode.parse?.(spec)
  return spec
}

/** The mode that a spec names. Throws ERR_MODE. */
export function modeOf(spec: ModeSpec): Mode {
  const mode = MODES.find(({ name }) => name === spec.name)
  if (!mode) throw unknownMode(spec.text, spec.name)
  return mode
}

/** Throws ERR_MODE when two of the specs would listen on one address. */
export function checkSpecs(specs: readonly ModeSpec[], options: ListenOptions): void {
  const taken: { transport: string; port: number; host: string; spec: ModeSpec }[] = []
  for (const spec of specs) {
    const mode = modeOf(spec)
    const { host, port } = listenAddress(spec, mode, options)
    // With port 0 the system picks a free port, another one for each listener.
    if (port === 0) continue
    for (const transport of defaultsOf(spec, mode).transports) {
      const other = taken.find(
        (one) => one.transport === transport && one.port === port && overlap(one.host, canonical(host)),
      )
      if (other) {
        const where = `${transport.toUpperCase()} ${host ? hostPort(host, port) : `port ${port}`}`
        throw sameAddress(spec, other.spec, where, port)
      }
      taken.push({ transport, port, host: canonical(host), spec })
    }
  }
}

/** Whether no two sockets can have one port of these hosts. All addresses have those of either family among them. */
function overlap(one: string, other: string): boolean {
  if (one === other || isAny(one) || isAny(other)) return true
  const [first, second] = [isIP(one), isIP(other)]
  return (one === '0.0.0.0' && second === 4) || (other === '0.0.0.0' && first === 4)
}

const isAny = (host: string) => host === '' || host === '::'

/** Throws ERR_OPTION where clients' addresses are to be kept, and no mode keeps them. */
export function checkSource(specs: readonly ModeSpec[], options: Pick<Options, 'spoof_source_address'>): void {
  if (!options.spoof_source_address || specs.some((spec) => modeOf(spec).keepsSource?.(spec))) return
  const only = 'only mode transparent:tproxy can let servers see the addresses of clients'
  throw new MidwireError('ERR_OPTION', `spoof_source_address: ${only}; add it, or leave the option out`)
}

function sameAddress(spec: ModeSpec, other: ModeSpec, where: string, port: number): MidwireError {
  const name = `${spec.name}${spec.data === undefined ? '' : `:${spec.data}`}`
  const instead = `${name}@${port === 65_535 ? 1024 : port + 1}`
  return new MidwireError(
    'ERR_MODE',
    `${quotedSpec(spec.text)}: ${quotedSpec(other.text)} listens on ${where} already; give one of them another port, as in ${instead}`,
  )
}

function parseListen(text: string, listen: string): Pick<ModeSpec, 'host' | 'port'> {
  const colon = listen.lastIndexOf(':')
  const port = listen.slice(colon + 1)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new MidwireError(
      'ERR_MODE',
      `${quotedSpec(text)}: invalid port ${quoted(port)}; after @ stands a port from 0 to 65535, or host:port`,
    )
  }
  if (colon === -1) return { host: undefined, port: Number(port) }
  const host = listen.slice(0, colon).replace(/^\[([^\]]*)\]$/, '$1')
  if (host !== '' && isIP(host) === 0 && !/^[\w.-]+$/.test(host)) {
    throw new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${quoted(host)} is neither an address nor a name`)
  }
  return { host, port: Number(port) }
}

function unknownMode(text: string, given: string): MidwireError {
  const names = MODES.map(({ name }) => name)
  const meant = nearest(given, names)
  const hint = meant ? ` (did you mean ${meant}?)` : ''
  const isLater = LATER.includes(given.toLowerCase())
  const what = isLater ? `${given} is not there yet` : `there is no mode ${quoted(given)}${hint}`
  return new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${what}; the modes are ${names.join(', ')}`)
}

/** One spelling for each address: an IPv6 address has many. */
const canonical = (host: string) => (host.includes('%') ? host : (plainAddress(host) ?? host)).toLowerCase()

/** mitmproxy's modes that are still to come. */
const LATER = ['local', 'tun']

const quoted = (text: string) => JSON.stringify(text)
