// Which certificates of the user's own the addon serves, and which are OpenSSL's.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { loadAuthority } from '../../src/certs/authority.js'
import { ownLeaf } from '../../src/certs/own-leaf.js'
import { CertificateStore } from '../../src/certs/store.js'
import { certificate, ecKey, rsaKey } from '../support/certificates.js'

const root = certificate({ commonName: 'root', ca: true })
const identity = (key = ecKey()) => {
  const { pem, keyPem } = certificate({ key, issuer: root })
  return { cert: pem, key: keyPem }
}

test('the kinds of keys that ring signs with', (t) => {
  t.is(ownLeaf(identity())?.kind, 'p256')
  t.is(ownLeaf(identity(ecKey('P-384')))?.kind, 'p384')
  t.is(ownLeaf(identity(rsaKey()))?.kind, 'rsa2048')
  t.is(ownLeaf(identity(rsaKey(3072)))?.kind, 'rsa2048')
})

test('all others are left to OpenSSL', (t) => {
  const odd = [
    ecKey('P-521'),
    ecKey('secp256k1'),
    rsaKey(1024),
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey,
  ]
  for (const key of odd) t.is(ownLeaf(identity(key)), undefined)
})

test('what OpenSSL refuses with its own words is left to it', (t) => {
  t.is(ownLeaf({ ...identity(), key: identity().key }), undefined, 'a key of another certificate')
  t.is(ownLeaf({ ...identity(), cert: '' }), undefined)
  t.is(ownLeaf({ ...identity(), key: 'none' }), undefined)
})

test('the chain is in the order of the file, as DER', (t) => {
  const above = certificate({ commonName: 'above', ca: true })
  const own = certificate({ issuer: above })
  t.deepEqual(ownLeaf({ cert: own.pem + above.pem, key: own.keyPem })?.chain, [own.der, above.der])
})

test('the store has the addon show them, to clients that can verify them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-own-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const store = new CertificateStore(await loadAuthority(folder))
  const shown = (of: ReturnType<typeof identity>, ...rustlsKeys: ('p256' | 'p384' | 'rsa2048')[]) =>
    store.native({ sni: 'a.test', set: { certificate: of } }, { alpn: 'h2', rustlsKeys, logsKeys: false })
  const own = identity()
  const context = shown(own, 'rsa2048', 'p256')
  t.truthy(context)
  t.is(shown(own, 'p256'), context, 'it is kept')
  t.is(shown(own, 'rsa2048', 'p384'), undefined)
  t.truthy(shown(identity(ecKey('P-384')), 'p384'))
  t.truthy(shown(identity(rsaKey(3072)), 'rsa2048'))
  t.is(shown(identity(ecKey('P-521')), 'p256', 'p384', 'rsa2048'), undefined)
  const { pem, keyPem } = certificate({ isVersion1: true, issuer: root })
  for (let time = 0; time < 2; time++) t.is(shown({ cert: pem, key: keyPem }, 'p256'), undefined, 'rustls reads none')
})
