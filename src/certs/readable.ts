// A certificate as plain data, for those who show it.
import { X509Certificate } from 'node:crypto'

/** A certificate as plain data. */
export interface CertificateInfo {
  /** Lines `name=value`, as OpenSSL has them: `CN=example.org`; empty where the certificate cannot be read. */
  readonly subject: string
  readonly issuer: string
  /** The names and addresses that it is for, each with its type before a colon: `DNS:example.org`, `IP Address:192.0.2.1`. */
  readonly names: readonly string[]
  /** Milliseconds since the epoch: the validity. */
  readonly validFrom: number
  readonly validTo: number
  /** SHA-256 of the whole certificate: 32 bytes in hexadecimal with colons. */
  readonly fingerprint: string
  /** Hexadecimal. */
  readonly serialNumber: string
  /** OpenSSL's name of the kind of key, with its bits or its curve: `rsa 2048`, `ec prime256v1`, `ed25519`. */
  readonly key: string
  readonly isAuthority: boolean
  /** The certificate in PEM; empty where it cannot be read. */
  readonly pem: string
  /** Why it cannot be read; undefined where it can. */
  readonly error: string | undefined
}

const UNREADABLE = {
  ...{ subject: '', issuer: '', names: [], validFrom: 0, validTo: 0, fingerprint: '', serialNumber: '' },
  ...{ key: '', isAuthority: false, pem: '' },
}

/**
 * Reads the certificates of a connection (`connection.tls.certificates`), which are DER, in their order: the other end's own first. Never throws: for bytes that are
 * no certificate, `error` says so.
 */
export function readCertificates(chain: readonly Uint8Array[]): CertificateInfo[] {
  return chain.map((bytes) => {
    try {
      return read(new X509Certificate(bytes))
    } catch (error) {
      return { ...UNREADABLE, error: (error as Error).message }
    }
  })
}

function read(certificate: X509Certificate): CertificateInfo {
  const { subject, issuer, subjectAltName, validFrom, validTo, fingerprint256, serialNumber, ca } = certificate
  return {
    // A certificate may have no subject at all.
    subject: subject ?? '',
    issuer: issuer ?? '',
    names: namesIn(subjectAltName ?? ''),
    validFrom: Date.parse(validFrom),
    validTo: Date.parse(validTo),
    fingerprint: fingerprint256,
    serialNumber,
    key: keyOf(certificate),
    isAuthority: ca,
    pem: certificate.toString(),
    error: undefined,
  }
}

/** Node puts names that have commas or quotes in them into quotes, as JSON. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/(?:^|, )((?:"(?:[^"\\]|\\.)*"|[^,"])+)/g)].map(([, name = '']) => name)

/** OpenSSL may not know the kind of key. */
function keyOf(certificate: X509Certificate): string {
  try {
    const { asymmetricKeyType: type = '', asymmetricKeyDetails: details = {} } = certificate.publicKey
    const { modulusLength, namedCurve } = details
    return [type, modulusLength ?? namedCurve].filter((part) => part !== undefined).join(' ')
  } catch {
    return ''
  }
}
