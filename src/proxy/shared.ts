// The state that client connections share which begin under the same options. Open connections keep theirs when the options change.
import { plainAddress } from '../addresses.js'
import { checkCiphers, checkCurves } from '../certs/settings.js'
import type { CertificateStore } from '../certs/store.js'
import { trustedRoots } from '../certs/trust.js'
import { upstreamNames } from '../certs/upstream.js'
import type { ClientConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { canonicalName } from '../flow/host-name.js'
import type { Hop } from '../flow/via.js'
import type { LayerOptions } from '../layers/layer.js'
import type { Source } from '../layers/route.js'
import { parseViaRules } from '../layers/via/rules.js'
import type { OptionName, Options } from '../options/definitions.js'
import { sameValue } from '../options/values.js'
import { hasEngine } from '../transports/connections/tls.js'
import type { Core } from './core.js'
import { Dialer } from './dial.js'
import { withoutDisabled } from './disabled-rules.js'
import type { Dispatcher } from './dispatch.js'
import type { Exit } from './exits/exit.js'
import { checkWay } from './exits/tunnel-file.js'
import { Pool } from './pool.js'
import { trustOf } from './server-context.js'

/** The services that stay the same when options change. */
export interface Unchanging extends Omit<Core, 'layerOptions' | 'dialer' | 'pool' | 'secureClient'> {
  readonly dispatcher: Dispatcher
  /** The reason why a client's handshake failed, as a sentence. */
  explainHandshake(error: unknown, client: ClientConnection): string
  /** A store that makes the certificates for clients. */
  certificates(options: Options): CertificateStore
  /** The exit by which connections with this way leave. */
  exitOf(via: readonly Hop[]): Exit
}

/** When one of these options changes, the pool, the TLS sessions and the context for servers are made anew. */
const OF_SERVERS: readonly OptionName[] = [
  ...(['ssl_insecure', 'ssl_verify_upstream_trusted_ca', 'ssl_verify_upstream_trusted_confdir'] as const),
  ...(['tls_version_server_min', 'tls_version_server_max', 'tls_legacy_server'] as const),
  ...(['ciphers_server', 'tls_ecdh_curve_server', 'client_certs', 'cert_passphrase', 'tls_engine'] as const),
]

/** When one of these options changes, the contexts for clients, and the sessions that clients may resume, are made anew. */
const OF_CLIENTS: readonly OptionName[] = [
  ...(['tls_version_client_min', 'tls_version_client_max', 'ciphers_client', 'tls_ecdh_curve_client'] as const),
  ...(['certs', 'cert_passphrase'] as const),
]

/** One value for each set of options. */
export interface Shared extends Core {
  readonly options: Options
  readonly certificates: CertificateStore
}

/**
 * The shared state for these options. It takes from `before` the parts whose options have not changed. Throws a MidwireError for
 * files of authorities that are wrong, for TLS versions that OpenSSL refuses, and for entries of `via` that are wrong, or whose tunnels' files are.
 */
export function share(around: Unchanging, options: Options, before?: Shared): Shared {
  const isKept = (names: readonly OptionName[]) =>
    before !== undefined && names.every((name) => sameValue(before.options[name], options[name]))
  const { dispatcher } = around
  // Options that are wrong are refused here, before anything has changed.
  const layerOptions = layerOptionsOf(options)
  for (const side of ['client', 'server'] as const) {
    checkCiphers(`ciphers_${side}`, options[`ciphers_${side}`])
    checkCurves(`tls_ecdh_curve_${side}`, options[`tls_ecdh_curve_${side}`])
  }
  const kept = isKept(OF_SERVERS) ? before : undefined
  if (!kept) checkTrust(options)
  // A file that has gone wrong since is no fault of other options.
  const isWayKept = before && sameValue(enabledVia(before.options), enabledVia(options))
  if (!isWayKept) for (const { via } of layerOptions.via) checkWay(via)
  const certificates = isKept(OF_CLIENTS) && before ? before.certificates : around.certificates(options)
  const dialer = kept?.dialer ?? new Dialer(options, dispatcher, (via) => around.exitOf(via), around.observers)
  if (!kept) before?.pool.close()
  return {
    options,
    certificates,
    layerOptions,
    dispatcher,
    dialer,
    pool: kept?.pool ?? new Pool((client, connection) => around.serverGone(client, connection)),
    places: around.places,
    relays: around.relays,
    observers: around.observers,
    begin: (mode, arrival) => around.begin(mode, arrival),
    log: (level, message) => around.log(level, message),
    tell: (what, flow) => around.tell(what, flow),
    resolve: (query) => around.resolve(query),
    failsOpen: (client, host, port) => around.failsOpen(client, host, port),
    secureClient: async (handshake, tls, client) => {
      const { key, sni, upstream, set } = tls
      try {
        if (set?.context) return await handshake({ context: set.context })
        for (const kind of (set?.ciphers ?? options.ciphers_client) ? ([key, 'rsa2048'] as const) : [key]) {
          const waited = certificates.prepare(kind)
          if (waited) await waited
        }
        const { extras, asks, alpn, rustlsKeys } = tls
        const { address } = client.local
        const request = { key, sni, address, upstream: upstream && upstreamNames(upstream), extras, asks, set }
        const fast = rustlsKeys.length > 0 && options.tls_engine === 'auto' && hasEngine()
        const logsKeys = around.observers.keyLog !== undefined
        const native = fast ? certificates.native(request, { alpn, rustlsKeys, logsKeys }) : undefined
        return await handshake(native ? { native } : { context: certificates.context(request) })
      } catch (error) {
        const why = around.explainHandshake(error, client)
        const doubt = certificates.doubt(key)
        return doubt ? `${why}; ${doubt}` : why
      }
    },
    serverGone: (client, server) => around.serverGone(client, server),
    explainLoss: (error, connection) => around.explainLoss(error, connection),
    departed: (driver, hasSpoken) => around.departed(driver, hasSpoken),
  }
}

const enabledVia = ({ via, disabled_rules }: Options) =>
  withoutDisabled(disabled_rules)('via', via) as readonly string[]

const layerOptionsOf = (options: Options): LayerOptions => ({
  ...options,
  body_size_limit: options.body_size_limit ?? 0,
  connect_addr: localAddress(options.connect_addr),
  via: parseViaRules(enabledVia(options)),
  inside: options.onboarding ? [canonicalName(options.onboarding_host)] : [],
})

/** The address in the spelling that comparisons need. Throws ERR_ARGUMENT for a text that is no address. */
function localAddress(text: string | undefined): Source | undefined {
  if (text === undefined) return undefined
  const address = plainAddress(text)
  if (address === undefined) {
    throw new MidwireError('ERR_ARGUMENT', `connect_addr: ${JSON.stringify(text)} is no IP address`)
  }
  // A link-local address is one of this machine only with its zone.
  return { address: text.includes('%') ? text : address, isForeign: false }
}

/** Reads the authorities that the options name, to find errors now. The system's own are read at the first handshake. */
function checkTrust(options: Options): void {
  const trust = trustOf(options)
  if (trust.caFile || trust.caDirectory) trustedRoots(trust)
}
