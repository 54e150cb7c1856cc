// The key identifier of an authority: a leaf names by it the key that has signed the leaf.
import { createHash } from 'node:crypto'
import { type CertificateFields, EXTENSION } from './certificate.js'
import { readDer } from './der.js'

/** The subject key identifier of a certificate; without one, the hash of the certificate's key (RFC 5280, 4.2.1.2, method 1). */
export function keyIdentifierOf({ extensions, publicKey }: CertificateFields): Buffer {
  const identifier = extensions.get(EXTENSION.subjectKeyIdentifier)
  return identifier ? readDer(identifier).content : createHash('sha1').update(publicKey).digest()
}
