// Makes an authority with selfsigned: a key on P-256 and a certificate for ten years.
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { readCertificate } from './certificate.js'
import { integer, octetString, oid, readAll, readDer, sequence, tagged } from './der.js'
import { keyIdentifierOf } from './key-identifier.js'
import { extension, signed } from './leaf-writer.js'
import { pem } from './pem.js'

const DAY_MILLISECONDS = 86_400_000

/** The text of `midwire-ca.pem`: the private key (PKCS#8), then the certificate. */
export async function newAuthority(): Promise<string> {
  // selfsigned is needed once in the life of an installation, and takes longer to load than the whole of midwire.
  const { generate } = await import('selfsigned')
  const start = Date.now() - 2 * DAY_MILLISECONDS
  const made = await generate(
    [
      { name: 'commonName', value: 'midwire' },
      { name: 'organizationName', value: 'midwire' },
    ],
    {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate: new Date(start),
      notAfterDate: new Date(start + 3650 * DAY_MILLISECONDS),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
      ],
    },
  )
  return made.private + pem('CERTIFICATE', complete(made.cert, made.private))
}

/** Adds a serial number of 18 random bytes and a subject key identifier, which selfsigned cannot, and signs anew with the same key. */
function complete(certificate: string, privateKey: string): Buffer {
  const { raw } = new X509Certificate(certificate)
  const [toBeSigned = readDer(raw)] = readAll(readDer(raw).content)
  const [version, , , ...fields] = readAll(toBeSigned.content)
  const extensions = fields.pop()
  if (!version || !extensions) throw new TypeError('selfsigned has made a certificate without extensions')
  const identifier = extension(oid('2.5.29.14'), false, octetString(keyIdentifierOf(readCertificate(raw))))
  const serial = randomBytes(18)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return signed(createPrivateKey(privateKey), (algorithm) =>
    sequence(
      version.whole,
      integer(serial),
      algorithm,
      ...fields.map(({ whole }) => whole),
      tagged(3, sequence(readDer(extensions.content).content, identifier)),
    ),
  )
}
