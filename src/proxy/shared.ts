// What client connections share that begin under the same options. Those that run keep theirs when the options change.
import type { SecureContext } from 'node:tls'
import type { CertificateStore } from '../certs/store.js'
import { trustedRoots } from '../certs/trust.js'
import { upstreamNames } from '../certs/upstream.js'
import { canonicalName } from '../flow/host-name.js'
import type { ClientTls } from '../layers/commands.js'
import type { LayerOptions } from '../layers/layer.js'
import type { OptionName, Options } from '../options/definitions.js'
import { sameValue } from '../options/values.js'
import type { Secured } from '../transports/tls.js'
import type { Core } from './core.js'
import { Dialer } from './dial.js'
import type { Dispatcher } from './dispatch.js'
import { explainClient } from './explain.js'
import { Pool } from './pool.js'
import { trustOf } from './server-context.js'

/** What depends on no option, or asks for it each time. */
export interface Unchanging extends Omit<Core, 'layerOptions' | 'dialer' | 'pool' | 'secureClient'> {
  readonly dispatcher: Dispatcher
  /** Makes the leaves for clients. */
  certificates(options: Options): CertificateStore
  /** What midwire listens on. */
  listeners(): readonly { host: string; port: number; transport: string }[]
}

/** A server connection, a TLS session or a context that was made under other values of these is not used again. */
const OF_SERVERS: readonly OptionName[] = [
  ...(['ssl_insecure', 'ssl_verify_upstream_trusted_ca', 'ssl_verify_upstream_trusted_confdir'] as const),
  ...(['tls_version_server_min', 'tls_version_server_max', 'tls_legacy_server'] as const),
]

/** The contexts for clients, and so the sessions that clients may resume, are made anew with these. */
const OF_CLIENTS: readonly OptionName[] = ['tls_version_client_min', 'tls_version_client_max']

export interface Shared extends Core {
  readonly options: Options
  readonly certificates: CertificateStore
}

/**
 * The same as `before` where the options that count have not changed. Throws a MidwireError for files of authorities that are
 * none, and for TLS versions that OpenSSL refuses.
 */
export function share(around: Unchanging, options: Options, before?: Shared): Shared {
  const isKept = (names: readonly OptionName[]) =>
    before !== undefined && names.every((name) => sameValue(before.options[name], options[name]))
  const { dispatcher } = around
  const kept = isKept(OF_SERVERS) ? before : undefined
  if (!kept) checkTrust(options)
  const certificates = isKept(OF_CLIENTS) && before ? before.certificates : around.certificates(options)
  if (!kept) before?.pool.close()
  return {
    options,
    certificates,
    layerOptions: layerOptionsOf(options),
    dispatcher,
    dialer: kept?.dialer ?? new Dialer(options, dispatcher, () => around.listeners()),
    pool: kept?.pool ?? new Pool((client, connection) => around.serverGone(client, connection)),
    log: (level, message) => around.log(level, message),
    finished: (flow) => around.finished(flow),
    resolve: (query) => around.resolve(query),
    secureClient: (handshake, names) => secureClient(certificates, options.onboarding_host, handshake, names),
    serverGone: (client, server) => around.serverGone(client, server),
    explainLoss: (error, connection) => around.explainLoss(error, connection),
    departed: (driver, hasSpoken) => around.departed(driver, hasSpoken),
  }
}

const layerOptionsOf = (options: Options): LayerOptions => ({
  ...options,
  body_size_limit: options.body_size_limit ?? 0,
  inside: options.onboarding ? [canonicalName(options.onboarding_host)] : [],
})

/** The system's own authorities are read when they are needed. */
function checkTrust(options: Options): void {
  const trust = trustOf(options)
  if (trust.caFile || trust.caDirectory) trustedRoots(trust)
}

async function secureClient(
  certificates: CertificateStore,
  onboardingHost: string,
  handshake: (context: SecureContext) => Promise<Secured>,
  names: ClientTls & { address: string },
): Promise<Secured | string> {
  const { key, sni, address } = names
  try {
    const waited = certificates.prepare(key)
    if (waited) await waited
    const upstream = names.upstream && upstreamNames(names.upstream)
    return await handshake(certificates.context({ key, sni, address, upstream }))
  } catch (error) {
    const why = explainClient(error, onboardingHost)
    const doubt = certificates.doubt(key)
    return doubt ? `${why}; ${doubt}` : why
  }
}
