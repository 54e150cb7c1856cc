// Explains why TLS with a server has failed, in a sentence that ends with what the user can do.
import type { PeerCertificate } from 'node:tls'

/** An error of node:tls. */
export interface TlsFailure extends Error {
  readonly code?: string | undefined
  /** The server's certificate; set only where the certificate is for another name. */
  readonly cert?: PeerCertificate | undefined
}

const INSECURE = 'accept it with -k (--ssl-insecure)'
/** `tls_legacy_server` lowers OpenSSL's level of security, for certificates too. */
const LEGACY = 'allow it with --set tls_legacy_server=true'
const WEAK = `${LEGACY}, or ${INSECURE}`
const TRUST = `trust its authority with --set ssl_verify_upstream_trusted_ca=FILE, or ${INSECURE}`

/** OpenSSL's reasons to refuse a certificate, by the codes that Node gives them. */
const REASONS: Record<string, readonly [reason: string, remedy: string] | undefined> = {
  CERT_HAS_EXPIRED: ['its certificate, or one above it, has expired', `is the clock right? Else ${INSECURE}`],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', `is the clock right? Else ${INSECURE}`],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', TRUST],
  SELF_SIGNED_CERT_IN_CHAIN: ['its authority (a self-signed root) is not trusted on this machine', TRUST],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['the authority that issued its certificate is unknown', TRUST],
  UNABLE_TO_GET_ISSUER_CERT: ['an authority above its certificate is unknown', TRUST],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'the authority that issued its certificate is unknown, and the server has sent no intermediate certificates',
    TRUST,
  ],
  CERT_UNTRUSTED: ['its authority is not trusted for this', TRUST],
  CERT_REJECTED: ['its authority is marked as rejected', INSECURE],
  CERT_REVOKED: ['its certificate, or one above it, has been revoked', INSECURE],
  CERT_CHAIN_TOO_LONG: ['there are too many authorities above its certificate', INSECURE],
  PATH_LENGTH_EXCEEDED: ['there are more authorities above its certificate than they allow', INSECURE],
  INVALID_CA: ['its certificate was issued by one that is no authority', INSECURE],
  INVALID_PURPOSE: ['its certificate is not meant for servers, or one above it not for issuing certificates', INSECURE],
  CERT_SIGNATURE_FAILURE: ['the signature of its certificate is wrong', INSECURE],
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: ['the signature of its certificate cannot be read', INSECURE],
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: ['the key of its authority cannot be read', INSECURE],
  ERROR_IN_CERT_NOT_BEFORE_FIELD: ['the date from which its certificate is valid makes no sense', INSECURE],
  ERROR_IN_CERT_NOT_AFTER_FIELD: ['the date until which its certificate is valid makes no sense', INSECURE],
  UNABLE_TO_GET_CRL: ['there is no revocation list for its certificate', INSECURE],
  CRL_HAS_EXPIRED: ['the revocation list of its authority has expired', INSECURE],
  CRL_NOT_YET_VALID: ['the revocation list of its authority is not valid yet', INSECURE],
  CRL_SIGNATURE_FAILURE: ['the signature of the revocation list is wrong', INSECURE],
  HOSTNAME_MISMATCH: ['its certificate is for another name', INSECURE],
}

/** Reasons for which Node has no code, by words of OpenSSL in the message of the error. */
const MESSAGES: readonly (readonly [sign: RegExp, reason: string, remedy: string])[] = [
  [/^(EE|CA) certificate key too weak/i, 'the key of its certificate, or of one above it, is too short', WEAK],
  [
    /^CA signature digest algorithm too weak/i,
    'its certificate is signed with a hash that is broken (SHA-1, MD5)',
    WEAK,
  ],
  [/unhandled critical extension/i, 'its certificate demands something that OpenSSL does not know', INSECURE],
  [/(permitted subtree|excluded subtree|name constraint)/i, 'its authority may not issue for that name', INSECURE],
  [
    /(unsuitable certificate purpose|unsupported certificate purpose)/i,
    'its certificate is not meant for servers',
    INSECURE,
  ],
]

const OLD = 'allow old versions with --set tls_version_server_min=TLS1'
const OLDER = `allow old ciphers with --set tls_legacy_server=true, old versions with --set tls_version_server_min=TLS1`

/** Failures of the handshake itself, by the code of the error. */
const HANDSHAKE: readonly (readonly [code: RegExp, reason: string])[] = [
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/, `it speaks only versions of TLS that are not safe: ${OLD}`],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/, 'what it answers is no TLS: is it plain HTTP?'],
  [
    /DH_KEY_TOO_SMALL/,
    'its Diffie-Hellman key is too short to be safe: --set tls_legacy_server=true allows 1024 bits, and nothing allows less',
  ],
  [/EE_KEY_TOO_SMALL|CA_KEY_TOO_SMALL|MD_TOO_WEAK/, `its certificate is too weak: ${LEGACY}`],
  [/WRONG_SIGNATURE_TYPE|LEGACY_SIGALG/, `it signs with a hash that is broken (SHA-1): ${LEGACY}`],
  [/UNSAFE_LEGACY_RENEGOTIATION/, `it does not know safe renegotiation (RFC 5746), its software is old: ${LEGACY}`],
  [/CERTIFICATE_REQUIRED/, 'it wants a certificate of the client: give one with --set client_certs=FILE'],
  // Before TLS 1.3 there is no alert that says that the server misses a client's certificate (RFC 5246, 7.2.2).
  [
    /HANDSHAKE_FAILURE/,
    `it refuses the handshake: it wants a certificate of the client (--set client_certs=FILE), or has no cipher in common with us: ${OLDER}`,
  ],
  [/INSUFFICIENT_SECURITY|NO_SHARED_CIPHER|NO_CIPHERS/, `it has no cipher in common with us: ${OLDER}`],
  [/UNRECOGNIZED_NAME/, 'it does not serve that name'],
]

/** Messages of Node and of our transports for a connection that has ended during the handshake: they have no code. */
const CUT_SHORT = /disconnected before secure TLS connection|closed during the handshake/

/**
 * Says why a server is not trusted, or why its handshake has failed, and what the user can do, in one sentence. Undefined for an
 * error that has nothing to do with TLS.
 */
export function explainCertificate(error: TlsFailure, host: string): string | undefined {
  const { code = '', message } = error
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refused(host, `its certificate is for ${otherNames(error.cert)}`, `ask for one of those, or ${INSECURE}`)
  }
  const known = REASONS[code]
  if (known) return refused(host, ...known)
  const said = MESSAGES.find(([sign]) => sign.test(message))
  if (said) return refused(host, said[1], said[2])
  const failed = HANDSHAKE.find(([sign]) => sign.test(code))
  if (failed) return `TLS with ${host} has failed: ${failed[1]}`
  if (CUT_SHORT.test(message)) return `TLS with ${host} has failed: it has closed the connection during the handshake`
  return code === 'UNSPECIFIED' ? refused(host, message, INSECURE) : undefined
}

const refused = (host: string, reason: string, remedy: string): string => `${host} is not trusted: ${reason}; ${remedy}`

/** The names that a certificate is for, at most five of them. */
function otherNames(certificate: PeerCertificate | undefined): string {
  const list = certificate?.subjectaltname
  // Node puts a name with unusual characters in quotes, so that a comma in a name does not divide the list (CVE-2021-44532).
  const parts = list?.match(/[^,"]*"(?:[^"\\]|\\.)*"|[^,]+/g) ?? []
  const names = parts.map((part) => part.trim().replace(/^(DNS|IP Address|URI|email):/, ''))
  if (names.length === 0) {
    const commonName: unknown = certificate?.subject?.CN
    return typeof commonName === 'string' ? `${clean(commonName)} only` : 'no name at all'
  }
  const shown = names.slice(0, 5).map(clean).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} others` : `${shown} only`
}

/** Makes text of a server safe to print as a part of a line. */
const clean = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
