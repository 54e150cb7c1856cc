// By which a leaf says whose key has signed it.
import { createHash } from 'node:crypto'
import { type CertificateFields, EXTENSION } from './certificate.js'
import { readDer } from './der.js'

/** The subject key identifier of a certificate; where it has none, the hash of its key (RFC 5280, 4.2.1.2, method 1). */
export function keyIdentifierOf({ extensions, publicKey }: CertificateFields): Buffer {
  const identifier = extensions.get(EXTENSION.subjectKeyIdentifier)
  return identifier ? readDer(identifier).content : createHash('sha1').update(publicKey).digest()
}
