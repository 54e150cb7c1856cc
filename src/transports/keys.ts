// WireGuard's keys as text: 32 bytes in base64.
import { MidwireError } from '../errors.js'
import { callNative, native } from '../native/load.js'

const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** The bytes of a key. Throws ERR_KEY, whose message has `purpose` but never the key. */
export function keyBytes(key: unknown, purpose: string): Buffer {
  if (typeof key !== 'string' || !KEY.test(key)) throw new MidwireError('ERR_KEY', purpose)
  return Buffer.from(key, 'base64')
}

/** A new private key: 44 characters of base64, as `wg genkey` makes them. */
export function generatePrivateKey(): string {
  return native().generatePrivateKey().toString('base64')
}

/** The public key of a private one, as `wg pubkey` makes it. Throws ERR_KEY. */
export function publicKey(privateKey: string): string {
  const key = keyBytes(privateKey, 'the private key')
  return callNative(() => native().publicKey(key).toString('base64'))
}
