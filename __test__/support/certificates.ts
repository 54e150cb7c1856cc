// Certificates as good and as bad as a test wants them.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { plainAddress } from '../../src/addresses.js'
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
} from '../../src/certs/der.js'
import { addressBytes } from '../../src/certs/names.js'
import { pem } from '../../src/certs/pem.js'

export interface Made {
  readonly der: Buffer
  readonly pem: string
  readonly key: KeyObject
  /** PKCS#8. */
  readonly keyPem: string
  readonly subject: Buffer
  readonly serial: Buffer
}

export interface Wanted {
  readonly commonName?: string
  /** The subject as bytes, in place of `commonName`. */
  readonly subject?: Buffer
  readonly organization?: string
  /** Default: itself. */
  readonly issuer?: Made
  readonly key?: KeyObject
  /** Days from now; default -1 and 30. */
  readonly from?: number
  readonly until?: number
  /** Default false; a number is the path length. */
  readonly ca?: boolean | number
  readonly names?: readonly string[]
  readonly hash?: 'sha1' | 'sha256'
  /** Version 1, which has no extensions (RFC 5280, 4.1.2.1). */
  readonly isVersion1?: boolean
  /** Further extensions, whole. */
  readonly extensions?: readonly Buffer[]
  /** What is done to the signature. */
  readonly spoil?: (signature: Buffer) => Buffer
}

export const ecKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
export const rsaKey = (modulusLength = 2048): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey

/** One extension, from its dotted object identifier and its value. */
export const extensionOf = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value))

export const nameOf = (...attributes: readonly (readonly [id: string, value: Buffer])[]): Buffer =>
  sequence(...attributes.map(([id, value]) => set(sequence(oid(id), value))))

const NOW = Math.floor(Date.now() / 1000)
const DAY = 86_400

function algorithmOf(key: KeyObject, hash: 'sha1' | 'sha256'): Buffer {
  if (key.asymmetricKeyType === 'rsa') {
    return sequence(oid(hash === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11'), nothing)
  }
  return sequence(oid(hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'))
}

export function certificate(wanted: Wanted): Made {
  const { issuer, key = ecKey(), hash = 'sha256', ca = false, names = [], from = -1, until = 30 } = wanted
  const { commonName = 'test', organization } = wanted
  const attributes: [string, Buffer][] = [['2.5.4.3', utf8String(commonName)]]
  if (organization !== undefined) attributes.push(['2.5.4.10', utf8String(organization)])
  const subject = wanted.subject ?? nameOf(...attributes)
  const serial = randomBytes(16)
  serial[0] = 0x42
  const extensions = [...(wanted.extensions ?? [])]
  if (ca !== false) {
    const path = typeof ca === 'number' ? [integer(ca)] : []
    extensions.push(extensionOf('2.5.29.19', true, sequence(boolean(true), ...path)))
  }
  if (names.length > 0) {
    const list = names.map((name) => {
      const address = plainAddress(name)
      return address ? implicit(7, addressBytes(address)) : implicit(2, Buffer.from(name, 'latin1'))
    })
    extensions.push(extensionOf('2.5.29.17', false, sequence(...list)))
  }
  const signer = issuer?.key ?? key
  const algorithm = algorithmOf(signer, hash)
  const toBeSigned = sequence(
    ...(wanted.isVersion1 ? [] : [tagged(0, integer(2))]),
    integer(serial),
    algorithm,
    issuer?.subject ?? subject,
    sequence(time(NOW + from * DAY), time(NOW + until * DAY)),
    subject,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [tagged(3, sequence(...extensions))] : []),
  )
  const signature = sign(hash, toBeSigned, signer)
  const whole = sequence(toBeSigned, algorithm, bitString(wanted.spoil?.(signature) ?? signature))
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { der: whole, pem: pem('CERTIFICATE', whole), key, keyPem, subject, serial }
}

/** A revocation list of `issuer` with these certificates on it. */
export function revocationList(issuer: Made, ...revoked: readonly Made[]): string {
  const algorithm = algorithmOf(issuer.key, 'sha256')
  const entries = revoked.map(({ serial }) => sequence(integer(serial), time(NOW - DAY)))
  const toBeSigned = sequence(
    integer(1),
    algorithm,
    issuer.subject,
    time(NOW - DAY),
    time(NOW + DAY),
    der(TAG.sequence, ...entries),
  )
  return pem('X509 CRL', sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, issuer.key))))
}
