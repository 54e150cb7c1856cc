// Writes leaves without the native addon: on platforms that have none, and for keys not on P-256, such as mitmproxy's authority has.
import { type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'
import type { Authority } from './authority.js'
import {
  bitString,
  boolean,
  der,
  implicit,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
  set,
  TAG,
  tagged,
  time,
  utf8String,
} from './der.js'
import type { LeafMinter } from './leaf.js'
import { addressBytes } from './names.js'

/** How a kind of key signs: the AlgorithmIdentifier, and the name of the hash in node:crypto. */
interface Signing {
  readonly algorithm: Buffer
  readonly hash: string | null
}

/** The ways to sign, by `asymmetricKeyType`: RFC 4055 (5), RFC 5758 (3.2), RFC 8410 (3). */
const SIGNING: Record<string, Signing | undefined> = {
  rsa: { algorithm: sequence(oid('1.2.840.113549.1.1.11'), nothing), hash: 'sha256' },
  ec: { algorithm: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  ed25519: { algorithm: sequence(oid('1.3.101.112')), hash: null },
  ed448: { algorithm: sequence(oid('1.3.101.113')), hash: null },
}

/** Whether certificates can be signed with such a key. */
export const signsWith = (key: KeyObject): boolean => SIGNING[key.asymmetricKeyType ?? ''] !== undefined

/** Signs what `write` returns (RFC 5280, 4.1.1); `write` is given the AlgorithmIdentifier, which the signed part repeats. */
export function signed(key: KeyObject, write: (algorithm: Buffer) => Buffer): Buffer {
  const signing = SIGNING[key.asymmetricKeyType ?? '']
  if (!signing) throw new TypeError(`cannot sign with a key of type ${key.asymmetricKeyType}`)
  const toBeSigned = write(signing.algorithm)
  return sequence(toBeSigned, signing.algorithm, bitString(sign(signing.hash, toBeSigned, key)))
}

/** Writes an extension of a certificate or a revocation list (RFC 5280, 4.1.2.9). */
export const extension = (id: Buffer, critical: boolean, value: Buffer): Buffer =>
  critical ? sequence(id, boolean(true), octetString(value)) : sequence(id, octetString(value))

const attribute = (id: Buffer, text: string): Buffer => set(sequence(id, utf8String(text)))

const COMMON_NAME = oid('2.5.4.3')
const ORGANIZATION = oid('2.5.4.10')
const AUTHORITY_KEY_IDENTIFIER = oid('2.5.29.35')
const SUBJECT_ALT_NAME = oid('2.5.29.17')
const CRL_DISTRIBUTION_POINTS = oid('2.5.29.31')
const VERSION_3 = tagged(0, integer(2))
const KEY_USAGE = oid('2.5.29.15')
const DIGITAL_SIGNATURE = extension(KEY_USAGE, true, bitString(Buffer.from([0x80]), 7))
/** digitalSignature and keyEncipherment (RFC 5280, 4.2.1.3): suites without ECDHE encrypt to an RSA key (RFC 5246, 7.4.2). */
const SIGNATURE_AND_ENCIPHERMENT = extension(KEY_USAGE, true, bitString(Buffer.from([0xa0]), 5))
const SERVER_AUTH = extension(oid('2.5.29.37'), false, sequence(oid('1.3.6.1.5.5.7.3.1')))

/** `key` is the public key of the leaves, not the authority's. */
export function leafWriter(authority: Authority, key: KeyObject): LeafMinter {
  const publicKey = key.export({ type: 'spki', format: 'der' })
  const identifier = extension(AUTHORITY_KEY_IDENTIFIER, false, sequence(implicit(0, authority.keyIdentifier)))
  const usage = key.asymmetricKeyType === 'rsa' ? SIGNATURE_AND_ENCIPHERMENT : DIGITAL_SIGNATURE
  return ({ commonName, organization, names, notBefore, notAfter, serial, crlUrl }) => {
    const subject: Buffer[] = []
    if (commonName !== undefined) subject.push(attribute(COMMON_NAME, commonName))
    if (organization !== undefined) subject.push(attribute(ORGANIZATION, organization))
    const extensions = [identifier, usage, SERVER_AUTH]
    if (crlUrl !== undefined) {
      const point = sequence(tagged(0, tagged(0, implicit(6, Buffer.from(crlUrl)))))
      extensions.push(extension(CRL_DISTRIBUTION_POINTS, false, sequence(point)))
    }
    extensions.push(extension(SUBJECT_ALT_NAME, commonName === undefined, sequence(...names.map(generalName))))
    return signed(authority.key, (algorithm) =>
      sequence(
        VERSION_3,
        integer(serial),
        algorithm,
        authority.subject,
        sequence(time(notBefore), time(notAfter)),
        der(TAG.sequence, ...subject),
        publicKey,
        tagged(3, sequence(...extensions)),
      ),
    )
  }
}

const generalName = (name: string): Buffer =>
  isIP(name) ? implicit(7, addressBytes(name)) : implicit(2, Buffer.from(name))
