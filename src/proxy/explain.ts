// Errors of sockets and handshakes, as sentences for people.
import { explainCertificate } from '../certs/explain.js'
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { Destination } from '../layers/commands.js'

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'ERROR'

const CONNECT_REASONS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ETIMEDOUT: 'nobody answers',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no route to that network',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name server does not answer',
  ECONNRESET: 'the connection was reset',
  ECANCELED: 'the attempt was given up',
  EMFILE: 'midwire has no file descriptors left',
}

/** Why a connection was lost that had been there. Servers refuse clients after the handshake, too (RFC 8446, 4.4.2.4). */
export function explainLoss(error: Error, connection: Connection): string {
  const { host, tls } = connection as Partial<ServerConnection>
  return (host !== undefined && explainCertificate(error, tls?.sni ?? host)) || reasonOf(error)
}

/** Why a server could not be reached. */
export function explainConnect(error: unknown, { host, port }: Destination): string {
  const reason = CONNECT_REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
  return `${host.includes(':') ? `[${host}]` : host}:${port}: ${reason}`
}

/** What OpenSSL calls the alerts that it is sent, in all versions. */
const ALERT = /^(?:ssl|tls)v\d+ alert (.+)$/

/** What was wrong. The message of OpenSSL's errors has the numbers and file names of its source around it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { reason } = error as { reason?: unknown }
  return typeof reason === 'string' ? reason : error.message
}

/** Alerts by which clients say that they do not know the authority (RFC 8446, 6.2). */
const DISTRUST = new Set([
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
])

/** The client says that it does not trust our certificate. */
export const isDistrust = (error: unknown): boolean => DISTRUST.has(codeOf(error))

export const installFrom = (host: string): string => `install midwire's certificate in the client, from http://${host}`

/** Why a client's handshake failed; `host` is where its certificate is to be had. */
export function explainClient(error: unknown, host: string): string {
  const code = codeOf(error)
  const install = installFrom(host)
  if (isDistrust(error)) return `the client does not trust our certificate: ${install}`
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return `the client closed the connection during the handshake; if it does not trust our certificate: ${install}`
  }
  if (code === 'ERR_SSL_NO_SHARED_CIPHER') return 'the client offers no cipher that we have'
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') {
    return 'the client speaks only TLS versions that are too old: --set tls_version_client_min=TLS1 allows them'
  }
  const alert = ALERT.exec(reasonOf(error))?.[1]
  if (alert) return `the client refuses the handshake: ${alert}`
  if (code.startsWith('ERR_SSL_')) return `the client and midwire do not come to terms: ${reasonOf(error)}`
  return reasonOf(error)
}

/** A client, as it stands at the beginning of a line of the log. */
export const endOf = ({ remote: { address, port, family } }: ClientConnection): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`
