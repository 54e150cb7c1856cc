// Certificates and keys of PEM as DER, which the addon takes.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { pemBlocks } from './pem.js'

/** The certificates of a text. One that cannot be read is passed over, as OpenSSL does. */
export const certificates = (text: string): Buffer[] =>
  pemBlocks(text)
    .filter(({ label }) => label === 'CERTIFICATE')
    .flatMap((block) => der(block.text))

function der(text: string): Buffer[] {
  try {
    return [new X509Certificate(text).raw]
  } catch {
    return []
  }
}

/** A private key without a passphrase as PKCS#8. Throws where it is none. */
export const pkcs8 = (text: string): Buffer => createPrivateKey(text).export({ type: 'pkcs8', format: 'der' })
