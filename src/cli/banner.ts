// The text that midwire prints when it has started: its addresses, the configuration of a client, and the place of the certificate.
import type { ListenerInfo, PeerInfo } from '../index.js'
import { qrCode } from './qr.js'

export interface BannerFacts {
  readonly version: string
  readonly listeners: readonly ListenerInfo[]
  readonly peers: readonly PeerInfo[]
  /** The file with the certificate; undefined where there is none. */
  readonly certificate: string | undefined
  /** The host name of the page with the certificate; undefined where there is none. */
  readonly onboarding: string | undefined
  /** The command that shows all configurations. */
  readonly more: string
  readonly filter: string | undefined
}

export interface BannerStyle {
  /** The terminal's width; undefined where stdout is no terminal. The text has a private key only on a terminal. */
  readonly columns: number | undefined
  readonly color: boolean
}

const DASHES = '-'.repeat(60)

export function banner(facts: BannerFacts, style: BannerStyle): string {
  const { version, listeners, filter } = facts
  const listening = groups(listeners).map(([mode, where]) => `${mode} listens on ${where.join(' and ')}\n`)
  const filtered = filter ? `Only flows that match ${filter} are shown.\n` : ''
  return `midwire ${version}\n${listening.join('')}${clientText(facts, style)}${certificateText(facts)}${filtered}`
}

/** Puts the listeners of a spec together, for one line of the banner. */
function groups(listeners: readonly ListenerInfo[]): [mode: string, where: string[]][] {
  const found = new Map<string, { mode: string; where: string[] }>()
  for (const { spec, mode, host, port, transport } of listeners) {
    const group = found.get(spec) ?? { mode, where: [] }
    group.where.push(`${transport.toUpperCase()} ${host.includes(':') ? `[${host}]` : host}:${port}`)
    found.set(spec, group)
  }
  return [...found.values()].map(({ mode, where }) => [mode, where])
}

function clientText({ peers, more }: BannerFacts, { columns, color }: BannerStyle): string {
  const first = peers.find(({ config }) => config !== undefined)
  if (!first?.config) return ''
  if (columns === undefined) return `The configuration of WireGuard clients: ${more}\n`
  const qr = qrCode(first.config, columns, color)
  const scan = qr ? '; or scan the QR code with the WireGuard app' : '; a wider terminal shows it as a QR code'
  const others = peers.length > 1 ? `${peers.length - 1} more: ${more}\n` : ''
  return `\nFor a WireGuard client (${first.name})${scan}:\n\n${configText(first)}${qr ? `\n${qr}` : ''}\n${others}`
}

/** A client's configuration as mitmproxy shows it, with a comment where this machine has more than one endpoint. */
export function configText({ config, endpoints }: PeerInfo): string {
  const others = endpoints.slice(1)
  const comment = others.length > 0 ? `# other endpoints: ${others.join(', ')}\n` : ''
  return `${DASHES}\n${config}${DASHES}\n${comment}`
}

function certificateText({ listeners, certificate, onboarding }: BannerFacts): string {
  if (onboarding === undefined) return certificate ? `The certificate that clients are to trust: ${certificate}\n` : ''
  const proxied = listeners.some(({ transport }) => transport === 'tcp') ? ', through the proxy or the tunnel' : ''
  return `The certificate that clients are to trust: open http://${onboarding} there${proxied}${certificate ? `, or take ${certificate}` : ''}\n`
}
