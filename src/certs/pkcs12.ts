// Writes a certificate as PKCS#12 (RFC 7292) without a key and without a password, a form that Windows and iOS can install.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { der, integer, nothing, octetString, oid, sequence, set, TAG, tagged } from './der.js'

const DATA = oid('1.2.840.113549.1.7.1')
const CERT_BAG = oid('1.2.840.113549.1.12.10.1.3')
const X509_CERTIFICATE = oid('1.2.840.113549.1.9.22.1')
const FRIENDLY_NAME = oid('1.2.840.113549.1.9.20')
const SHA256 = sequence(oid('2.16.840.1.101.3.4.2.1'), nothing)
const ITERATIONS = 2048

/** `name` is the certificate's name in the lists of systems that import it. */
export function pkcs12(certificate: Buffer, name: string): Buffer {
  const friendlyName = sequence(FRIENDLY_NAME, set(der(TAG.bmpString, Buffer.from(name, 'utf16le').swap16())))
  const bag = sequence(
    CERT_BAG,
    tagged(0, sequence(X509_CERTIFICATE, tagged(0, octetString(certificate)))),
    set(friendlyName),
  )
  const safe = sequence(contentInfo(sequence(bag)))
  const salt = randomBytes(16)
  const digest = createHmac('sha256', macKey(salt)).update(safe).digest()
  const mac = sequence(sequence(SHA256, octetString(digest)), octetString(salt), integer(ITERATIONS))
  return sequence(integer(3), contentInfo(safe), mac)
}

const contentInfo = (content: Buffer): Buffer => sequence(DATA, tagged(0, octetString(content)))

/** The key of the MAC without a password (RFC 7292, B.2 with ID 3; the first hash block already gives the 32 bytes needed). */
function macKey(salt: Buffer): Buffer {
  const diversifier = Buffer.alloc(64, 3)
  const filled = Buffer.alloc(64)
  for (let at = 0; at < filled.length; at++) filled[at] = salt[at % salt.length] ?? 0
  let key = createHash('sha256').update(diversifier).update(filled).digest()
  for (let round = 1; round < ITERATIONS; round++) key = createHash('sha256').update(key).digest()
  return key
}
