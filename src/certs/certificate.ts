// Reads the fields of a certificate that midwire needs from its DER: cheaper than node:crypto, whose fields are text.
import { DerError, type DerValue, readAll, readDer, TAG } from './der.js'

/** The fields of a certificate as bytes (RFC 5280, 4.1). */
export interface CertificateFields {
  /** The two names as their DER has them, with tag and length. */
  readonly issuer: Buffer
  readonly subject: Buffer
  /** The bits of the key in its SubjectPublicKeyInfo: a key identifier is their hash. */
  readonly publicKey: Buffer
  /** The content of each extension's OCTET STRING by the hexadecimal content of its object identifier. */
  readonly extensions: ReadonlyMap<string, Buffer>
}

/** Object identifiers of extensions: the keys of `CertificateFields.extensions`. */
export const EXTENSION = {
  subjectKeyIdentifier: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  crlDistributionPoints: '551d1f',
} as const

/** Throws a DerError where the bytes are no certificate. */
export function readCertificate(der: Buffer): CertificateFields {
  const [toBeSigned] = readAll(readDer(der).content)
  const fields = readAll(need(toBeSigned).content)
  // A certificate of version 1 has no field for the version.
  if (fields[0]?.tag === 0xa0) fields.shift()
  const [, , issuer, , subject, publicKeyInfo, ...optional] = fields
  const [, bits] = readAll(need(publicKeyInfo).content)
  const extensions = new Map<string, Buffer>()
  const list = optional.find(({ tag }) => tag === 0xa3)
  for (const extension of list ? readAll(readDer(list.content).content) : []) {
    const parts = readAll(extension.content)
    const value = parts.at(-1)
    if (value?.tag === TAG.octetString) extensions.set(need(parts[0]).content.toString('hex'), value.content)
  }
  return {
    issuer: need(issuer).whole,
    subject: need(subject).whole,
    publicKey: need(bits).content.subarray(1),
    extensions,
  }
}

function need(value: DerValue | undefined): DerValue {
  if (!value) throw new DerError('the bytes are no certificate')
  return value
}

/** The first value of each of these attributes of a name (RFC 5280, 4.1.2.4); undefined where the name has none. */
export function readName(name: Buffer): { commonName: string | undefined; organization: string | undefined } {
  const found: Record<string, string | undefined> = {}
  for (const set of readAll(readDer(name).content)) {
    for (const attribute of readAll(set.content)) {
      const [type, value] = readAll(attribute.content)
      const key = need(type).content.toString('hex')
      found[key] ??= readText(need(value))
    }
  }
  return { commonName: found['550403'], organization: found['55040a'] }
}

/** Decodes a character string of any of the types that names have; undefined for another type. */
function readText({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      return content.toString('utf8')
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.teletexString:
      return content.toString('latin1')
    case TAG.bmpString:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined
    default:
      return undefined
  }
}
