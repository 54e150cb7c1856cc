// Certificates of the user's own as the addon takes them, where it signs with their keys.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { LeafKey } from '../connection.js'
import type { CertificateAndKey } from '../hooks.js'
import type { Leaf } from './native-contexts.js'
import { certificates } from './pem-der.js'

export interface OwnLeaf extends Leaf {
  /** What clients have to know of the key. RSA stands for all lengths: the schemes are the same. */
  readonly kind: LeafKey
}

/**
 * Undefined for what OpenSSL alone serves, or refuses with its own words: other curves, RSA of less than 2048 bits or more than 4096, a key with
 * a passphrase, a key of another certificate.
 */
export function ownLeaf({ cert, key }: CertificateAndKey): OwnLeaf | undefined {
  try {
    const secret = createPrivateKey(key)
    const chain = certificates(cert)
    const kind = kindOf(secret)
    const [first] = chain
    if (!kind || !first || !new X509Certificate(first).checkPrivateKey(secret)) return undefined
    return { kind, chain, key, renewAt: Number.POSITIVE_INFINITY }
  } catch {
    return undefined
  }
}

const CURVES: Record<string, LeafKey | undefined> = { prime256v1: 'p256', secp384r1: 'p384' }

function kindOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): LeafKey | undefined {
  const { namedCurve = '', modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails
  if (asymmetricKeyType === 'ec') return CURVES[namedCurve]
  if (asymmetricKeyType !== 'rsa') return undefined
  return modulusLength >= 2048 && modulusLength <= 4096 && publicExponent >= 65_537n ? 'rsa2048' : undefined
}
