// Says why a TLS session of the addon has failed, with the codes and the words of OpenSSL, so that users and addons see one set of errors.
import type { Failed } from './records.js'

/** OpenSSL's words for the alerts of a peer (RFC 8446, 6). */
const ALERTS = new Map([
  [10, 'sslv3 alert unexpected message'],
  [20, 'sslv3 alert bad record mac'],
  [21, 'tlsv1 alert decryption failed'],
  [22, 'tlsv1 alert record overflow'],
  [30, 'sslv3 alert decompression failure'],
  [40, 'sslv3 alert handshake failure'],
  [41, 'sslv3 alert no certificate'],
  [42, 'sslv3 alert bad certificate'],
  [43, 'sslv3 alert unsupported certificate'],
  [44, 'sslv3 alert certificate revoked'],
  [45, 'sslv3 alert certificate expired'],
  [46, 'sslv3 alert certificate unknown'],
  [47, 'sslv3 alert illegal parameter'],
  [48, 'tlsv1 alert unknown ca'],
  [49, 'tlsv1 alert access denied'],
  [50, 'tlsv1 alert decode error'],
  [51, 'tlsv1 alert decrypt error'],
  [60, 'tlsv1 alert export restriction'],
  [70, 'tlsv1 alert protocol version'],
  [71, 'tlsv1 alert insufficient security'],
  [80, 'tlsv1 alert internal error'],
  [86, 'tlsv1 alert inappropriate fallback'],
  [90, 'tlsv1 alert user cancelled'],
  [100, 'tlsv1 alert no renegotiation'],
  [109, 'tlsv13 alert missing extension'],
  [110, 'tlsv1 unsupported extension'],
  [111, 'tlsv1 certificate unobtainable'],
  [112, 'tlsv1 unrecognized name'],
  [113, 'tlsv1 bad certificate status response'],
  [114, 'tlsv1 bad certificate hash value'],
  [115, 'tlsv1 alert unknown psk identity'],
  [116, 'tlsv13 alert certificate required'],
  [120, 'tlsv1 alert no application protocol'],
])

/** The alerts of a peer that has found nothing that it takes: handshake_failure, protocol_version, insufficient_security. */
const REFUSALS = new Set([40, 70, 71])

/** OpenSSL's words where both sides have nothing in common. */
const INCOMPATIBLE: Record<string, string | undefined> = {
  version: 'unsupported protocol',
  group: 'no suitable key share',
  signature: 'no suitable signature algorithm',
}

/** OpenSSL's words for bytes that are no TLS or break its rules, by rustls's. Without a match, rustls's are shown. */
const INVALID: readonly (readonly [sign: RegExp, words: string])[] = [
  [/^received unexpected handshake message/, 'unexpected message'],
  [/^received unexpected message/, 'unexpected record'],
  [/^received corrupt message of type (InvalidContentType|UnknownProtocolVersion)/, 'wrong version number'],
  [/^received corrupt message of type MessageTooLarge|excess record size/, 'packet length too long'],
  [/^received corrupt message/, 'decode error'],
  [/^cannot decrypt/, 'decryption failed or bad record mac'],
  [/TooManyWarningAlertsReceived/, 'too many warn alerts'],
]

const CLOSED_EARLY = 'the connection was closed during the handshake'

/** The error of a connection that ends in its handshake, whichever engine does that. */
export const closedEarly = () => Object.assign(new Error(CLOSED_EARLY), { code: 'ECONNRESET' })

/** A TLS session of the addon has failed. `code` and `reason` are as in errors of node:tls. */
export class TlsFailure extends Error {
  readonly code: string
  readonly reason: string | undefined
  /** OpenSSL, which has more of what is old and takes more certificates, may come further with the same peer. */
  readonly isForOpenSsl: boolean

  constructor(failed: Failed) {
    const { kind, number } = failed
    // OpenSSL says of an alert that it has no words for only that the connection has ended, as of close_notify.
    const isCut = kind === 'truncated' || (kind === 'alert' && !ALERTS.has(number))
    const reason = isCut ? undefined : reasonOf(failed)
    super(reason ?? CLOSED_EARLY)
    this.reason = reason
    this.code = reason === undefined ? 'ECONNRESET' : `ERR_SSL_${reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`
    this.isForOpenSsl = kind === 'alert' ? REFUSALS.has(number) : !isCut
  }
}

function reasonOf({ kind, number, text }: Failed): string {
  switch (kind) {
    case 'alert':
      return ALERTS.get(number) ?? CLOSED_EARLY
    case 'incompatible':
      return INCOMPATIBLE[text] ?? 'no shared cipher'
    case 'protocol':
      return 'no application protocol'
    case 'certificate':
      return `certificate verify failed: ${text}`
    default:
      return INVALID.find(([sign]) => sign.test(text))?.[1] ?? text
  }
}
