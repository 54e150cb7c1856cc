// Errors of sockets and handshakes, as sentences for people.
import { hostPort } from '../addresses.js'
import { explainCertificate } from '../certs/explain.js'
import { type ClientConnection, type Connection, type ServerConnection, sideOf } from '../connection.js'

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'ERROR'

const CONNECT_REASONS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no route to that network',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name server does not answer',
  ECONNRESET: 'the connection was reset',
  ECANCELED: 'the attempt was given up',
  EMFILE: 'midwire has no file descriptors left',
}

/** How a side leaves an open connection, by the code of the system's error. */
const LOSSES: Record<string, string> = {
  ECONNRESET: 'reset the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'does not answer any more',
  ECONNREFUSED: 'refuses what is sent to it',
  EHOSTUNREACH: 'cannot be reached any more',
  ENETUNREACH: 'cannot be reached any more',
}

/**
 * Which side has gone from an open connection, and how: `the client reset the connection (ECONNRESET)`. A server may refuse a client even
 * after the handshake (RFC 8446, 4.4.2.4).
 */
export function explainLoss(error: Error, connection: Connection): string {
  const { host, tls } = connection as Partial<ServerConnection>
  const untrusted = host !== undefined && explainCertificate(error, tls?.sni ?? host)
  if (untrusted) return untrusted
  const far = farEnd(connection)
  const { code = '', syscall } = error as NodeJS.ErrnoException
  const loss = LOSSES[code]
  // An error with a sentence of its own has no system call.
  if (loss && syscall !== undefined) return `${far} ${loss} (${code})`
  const alert = alertOf(error)
  return alert === undefined ? `${far} was lost: ${reasonOf(error)}` : `${far} has ended TLS: ${alert}`
}

/** The side that a connection is with. In a tunnel through proxies midwire cannot tell whether the server or a proxy has gone. */
function farEnd(connection: Connection): string {
  const { via, transport } = connection as ServerConnection
  const isDirect = via?.every((hop) => hop.startsWith('wireguard:')) ?? true
  if (isDirect) return `the ${sideOf(connection)}`
  return transport === 'udp' ? 'the proxy' : 'the server, or a proxy on the way to it,'
}

/** The reason why a server could not be reached. */
export function explainConnect(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const reason =
    ofLocalAddress(error) ?? CONNECT_REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
  return `${hostPort(host, port)}: ${reason}`
}

/** The reason of an error of `bind`: a server's connection is bound only where connect_addr names the address. */
function ofLocalAddress(error: unknown): string | undefined {
  const { syscall, code, address } = error as NodeJS.ErrnoException & { address?: string }
  if (syscall !== 'bind') return undefined
  if (code === 'EADDRNOTAVAIL') return `connect_addr, ${address}, is no address of this machine`
  return `midwire cannot connect from connect_addr, ${address}: ${code}`
}

/** OpenSSL's texts for the alerts that it receives, in all versions of TLS; since 3.2 it says `ssl/tls` for `sslv3`. */
const ALERT = /^(?:(?:ssl|tls)v\d+|ssl\/tls) alert (.+)$/

/** The alert of the peer, in OpenSSL's words; undefined for any other error. */
const alertOf = (error: unknown): string | undefined => ALERT.exec(reasonOf(error))?.[1]

/** OpenSSL's many words for one thing, and those of them that stand for it here. The version, suite and processor choose among them. */
const SAME: readonly (readonly [words: RegExp, word: string])[] = [
  [/^(cipher operation failed|invalid aad|bad record type)$/, 'decryption failed or bad record mac'],
  [/^(length mismatch|length too (short|long)|bad (length|packet length))$/, 'decode error'],
]

/** The text of an error; of OpenSSL's the bare reason, because their message adds numbers and file names of its source. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { reason } = error as { reason?: unknown }
  if (typeof reason !== 'string') return error.message
  return SAME.find(([words]) => words.test(reason))?.[1] ?? reason
}

/** The alerts of clients that do not trust a certificate or its authority (RFC 8446, 6.2). */
const DISTRUST = new Set([
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
])

/** True for an alert of a client that does not trust our certificate. */
export const isDistrust = (error: unknown): boolean => DISTRUST.has(codeOf(error).replace('_SSL/TLS_', '_SSLV3_'))

/** True where the client has closed the connection during its handshake, as some do that do not trust our certificate. */
export const isEarlyClose = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(codeOf(error))

export const installFrom = (host: string): string => `install midwire's certificate in the client, from http://${host}`

/** The reason why a client's handshake failed. `host` is the onboarding host, which has our certificate. */
export function explainClient(error: unknown, host: string): string {
  const code = codeOf(error)
  const install = installFrom(host)
  if (isDistrust(error)) return `the client does not trust our certificate: ${install}`
  if (isEarlyClose(error)) {
    return `the client closed the connection during the handshake; if it does not trust our certificate: ${install}`
  }
  if (code === 'ERR_SSL_NO_SHARED_CIPHER') return 'the client offers no cipher that we have'
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') {
    return 'the client speaks only TLS versions that are too old: --set tls_version_client_min=TLS1 allows them'
  }
  const alert = alertOf(error)
  if (alert) return `the client refuses the handshake: ${alert}`
  if (code.startsWith('ERR_SSL_')) return `the client and midwire do not come to terms: ${reasonOf(error)}`
  return reasonOf(error)
}

/** The address of a client, as lines of the log begin with it. */
export const clientAddress = ({ remote: { address, port } }: ClientConnection): string => hostPort(address, port)
