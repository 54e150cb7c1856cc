// The keys of leaves, which a proxy makes when it first needs one of a kind and keeps in memory only, and the cipher suites of each.
import { generateKeyPair, type KeyObject } from 'node:crypto'
import type { LeafKey } from '../connection.js'

/** The suites of a key are only those that work with it: others would never be chosen, and each name costs time in every context. */
const TLS_1_3 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const ECDSA = [
  ...TLS_1_3,
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
].join(':')
/** For old clients. Suites with forward secrecy come first. */
const RSA = [
  ...TLS_1_3,
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
].join(':')

/** OpenSSL's lists, the best first, AES-128 before AES-256. */
export const CIPHERS: Record<LeafKey, string> = { p256: ECDSA, p384: ECDSA, rsa2048: RSA }

/** Makes a key in a thread of Node's pool: an RSA key takes a tenth of a second, and now and then a whole second. */
export function makeLeafKey(kind: LeafKey): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _: KeyObject, key: KeyObject) => (error ? reject(error) : resolve(key))
    if (kind === 'rsa2048') generateKeyPair('rsa', { modulusLength: 2048 }, done)
    else generateKeyPair('ec', { namedCurve: kind === 'p256' ? 'P-256' : 'P-384' }, done)
  })
}
