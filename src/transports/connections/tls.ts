// TLS by the addon's engine, rustls, with clients and with servers.
import { isIP } from 'node:net'
import type { TlsState } from '../../connection.js'
import { type NativeClientTls, type NativeServerTls, type NativeTlsRoute, native } from '../../native/load.js'
import type { Transport } from '../transport.js'
import { connections } from './connections.js'
import type { Agreed } from './records.js'
import type { ConnectionTransport } from './transport.js'

/** OpenSSL's names of the suites that rustls has for TLS 1.2. Those of TLS 1.3 are the same in both. */
const SUITES: Record<string, string | undefined> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
}

export interface Established {
  /** Carries the plaintext. */
  readonly transport: ConnectionTransport
  readonly state: TlsState
  /** The peer's chain, also where a session was resumed: DER, the end entity's first. */
  readonly certificates: readonly Buffer[]
}

type OnSecret = ((line: Buffer) => void) | undefined

/** Whether this system has the engine. */
export const hasEngine = (): boolean => connections() !== undefined

/** Whether the engine can ask a server of that name or address. */
export const isServerName = (name: string): boolean =>
  isIP(name) !== 0 ||
  (name.length <= 253 &&
    /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i.test(name))

/** How servers are asked: whom midwire trusts, which versions it speaks, whom it says it is. */
export interface ClientSettings {
  /** Trusted authorities, DER; undefined: the certificate is not verified. */
  readonly roots: readonly Buffer[] | undefined
  readonly versions: { readonly tls12: boolean; readonly tls13: boolean }
  /** The own certificate, DER, and its key, PKCS#8. */
  readonly identity: { readonly chain: readonly Buffer[]; readonly key: Buffer } | undefined
  /** The secrets of sessions are told. */
  readonly logsKeys: boolean
}

export type { NativeClientTls, NativeTlsRoute } from '../../native/load.js'

/** A context for servers; undefined where ring does not sign with the key. */
export function clientContext({ roots, versions, identity, logsKeys }: ClientSettings): NativeClientTls | undefined {
  const { NativeClientTls } = native()
  const chain = identity && [...identity.chain]
  try {
    return new NativeClientTls(roots && [...roots], versions, chain, identity?.key, logsKeys)
  } catch {
    return undefined
  }
}

/** How one server is asked by one way, with the sessions that may be resumed there. `sendsName`: in the ClientHello (RFC 6066, 3). */
export const routeBy = (context: NativeClientTls, alpn: readonly string[], sendsName: boolean): NativeTlsRoute =>
  new (native().NativeTlsRoute)(context, [...alpn], sendsName)

/** Answers a client, whose ClientHello is at the start of `first`. Rejects with a TlsFailure, or with the error of a lost connection. */
export async function answerClient(
  transport: Transport,
  first: Buffer,
  tls: NativeServerTls,
  onSecret: OnSecret,
): Promise<Established> {
  const engine = engineOf()
  const over = engine.over(transport)
  const begin = (waiting: Buffer) =>
    engine.native.answer(over.id, tls, waiting.length > 0 ? Buffer.concat([first, waiting]) : first)
  return established(over, await over.secure(begin, onSecret))
}

export interface Question {
  readonly route: NativeTlsRoute
  /** The name or address of the server, which the certificate must be for where it is verified. */
  readonly name: string
}

/** Does TLS with a server. Rejects as `answerClient`. */
export async function askServer(
  transport: Transport,
  { route, name }: Question,
  onSecret: OnSecret,
): Promise<Established> {
  const engine = engineOf()
  const over = engine.over(transport)
  const begin = (waiting: Buffer) => engine.native.ask(over.id, route, name, waiting)
  return established(over, await over.secure(begin, onSecret))
}

function engineOf() {
  const engine = connections()
  if (!engine) throw new Error('the addon has stopped')
  return engine
}

function established(transport: ConnectionTransport, { version, cipher, alpn, certificates }: Agreed): Established {
  return { transport, state: { alpn, version, cipher: SUITES[cipher] ?? cipher }, certificates }
}
