// What addons say about TLS handshakes that are about to begin (`tls_start_client`, `tls_start_server`), beside what the options say.
import { createHash } from 'node:crypto'
import { canonicalName } from '../../flow/host-name.js'
import type { TlsStartClientHook, TlsStartServerHook, TlsVersion } from '../../hooks.js'
import type { SetForClient } from '../commands.js'
import { type Context, hook, type Step, wants } from '../layer.js'
import type { Destination, ServerTls, SetForServer } from '../route.js'

/** The servers of one client connection whose plans are kept. A client of an HTTP proxy may name any number of them. */
const MAX_PLANS = 1_000

/** How the handshake with a client is done. */
export interface ClientPlan {
  readonly alpn: string | undefined
  readonly asks: boolean
  readonly versions: { readonly min: TlsVersion; readonly max: TlsVersion }
  readonly set: SetForClient | undefined
}

/** The plan for the client: as the options say, or as addons do. `alpn` is the protocol that midwire would agree on. */
export function* planClient(context: Context, alpn: string | undefined): Step<ClientPlan> {
  const { client, options, server } = context
  const min = options.tls_version_client_min
  const max = options.tls_version_client_max
  if (!wants(context, 'tls_start_client')) {
    return { alpn, asks: options.request_client_cert, versions: { min, max }, set: undefined }
  }
  const before: Required<SetForClient> = {
    certificate: undefined,
    context: undefined,
    minVersion: min,
    maxVersion: max,
    ciphers: options.ciphers_client,
  }
  const subject: TlsStartClientHook = {
    client: client.connection,
    server: server?.connection,
    ...before,
    alpn,
    requestCertificate: options.request_client_cert,
  }
  yield* hook(context, 'tls_start_client', subject)
  const set = changesOf(before, subject)
  const versions = { min: subject.minVersion, max: subject.maxVersion }
  return { alpn: subject.alpn, asks: subject.requestCertificate, versions, set }
}

/** The plan for a server: `tls` itself where no addon changes anything. Addons are asked once for each server and each `tls`. */
export function* planServer(context: Context, to: Destination, tls: ServerTls): Step<ServerTls> {
  if (tls.ofHop || !wants(context, 'tls_start_server')) return tls
  context.plans ??= new Map()
  const known = context.plans.get(keyOf(to, tls))
  if (known) return known
  const { client, options, server } = context
  const before: Required<Omit<SetForServer, 'key'>> = {
    certificate: undefined,
    minVersion: options.tls_version_server_min,
    maxVersion: options.tls_version_server_max,
    ciphers: options.ciphers_server,
    verify: !options.ssl_insecure,
  }
  const { sni, alpn } = tls
  const isThere = server?.connection.host === to.host && server.connection.port === to.port
  const subject: TlsStartServerHook = {
    client: client.connection,
    host: to.host,
    port: to.port,
    server: isThere ? server.connection : undefined,
    ...before,
    sni,
    alpn,
  }
  yield* hook(context, 'tls_start_server', subject)
  const set = changesOf(before, subject)
  const isSame = !set && subject.sni === sni && subject.alpn === alpn
  const planned = isSame
    ? tls
    : { sni: subject.sni, alpn: [...subject.alpn], ...(set && { set: { ...set, key: digest(set) } }) }
  if (context.plans.size >= MAX_PLANS) context.plans.clear()
  // The outcome stands for itself: it is not planned again.
  context.plans.set(keyOf(to, tls), planned)
  context.plans.set(keyOf(to, planned), planned)
  return planned
}

/** The plan for a server where addons were asked already; else `tls` itself. */
export const plannedTls = ({ plans }: Context, to: Destination, tls: ServerTls): ServerTls =>
  plans?.get(keyOf(to, tls)) ?? tls

const keyOf = ({ host, port }: Destination, { sni, alpn, set }: ServerTls) =>
  JSON.stringify([canonicalName(host), port, sni, alpn, set?.key])

/** The fields that differ now; undefined for none. */
function changesOf<T extends object>(before: T, now: T): Partial<T> | undefined {
  const changed = (Object.keys(before) as (keyof T)[]).filter((name) => before[name] !== now[name])
  if (changed.length === 0) return undefined
  return Object.fromEntries(changed.map((name) => [name, now[name]])) as Partial<T>
}

/** The settings hold a private key, and keys of routes are no place for it. */
const digest = (set: object) => createHash('sha256').update(JSON.stringify(set)).digest('base64')
