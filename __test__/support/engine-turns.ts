// More kinds for the comparison of the two engines of TLS: certificates of the user's own, and TLS that begins in the middle (STARTTLS).
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type ConnectionOptions, TLSSocket, type TlsOptions } from 'node:tls'
import { certificate, ecKey, rsaKey } from './certificates.js'
import { asks, type Client } from './engine-clients.js'
import { ANSWER, root, SERVERS, type Serve } from './engine-servers.js'
import type { Talk } from './talk.js'

export interface OwnKind {
  readonly what: string
  /** The client's settings; default: once TLS 1.3 and once TLS 1.2. */
  readonly client?: ConnectionOptions
  /** A file of option `certs`, and its passphrase. */
  readonly pem: () => string
  readonly passphrase?: string
}

const own = { names: ['own.test', 'upstream.test'], issuer: root }

const only12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const

const keyed = (what: string, make: () => KeyObject, client?: ConnectionOptions): OwnKind => ({
  what: `a key of ${what}`,
  ...(client && { client }),
  pem() {
    const { pem, keyPem } = certificate({ ...own, key: make() })
    return keyPem + pem
  },
})

export const OWN: readonly OwnKind[] = [
  keyed('P-256', () => ecKey()),
  keyed('P-384', () => ecKey('P-384')),
  keyed('P-521', () => ecKey('P-521')),
  keyed('RSA 1024', () => rsaKey(1024)),
  keyed('RSA 2048', () => rsaKey()),
  keyed('RSA 3072', () => rsaKey(3072)),
  keyed('RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
  keyed('Ed25519', () => generateKeyPairSync('ed25519').privateKey),
  keyed('P-384, of which the client knows nothing', () => ecKey('P-384'), { ...only12, ecdhCurve: 'P-256' }),
  keyed('P-256, the client knows RSA alone', () => ecKey(), { ...only12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  keyed('RSA, the client knows ECDSA alone', () => rsaKey(), { ...only12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
  keyed('RSA, the client knows RSA alone', () => rsaKey(), { ...only12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  keyed('RSA, the client has no ECDHE', () => rsaKey(), { ...only12, ciphers: 'AES128-GCM-SHA256' }),
  keyed('P-256, the client has schemes of RSA alone', () => ecKey(), { sigalgs: 'RSA-PSS+SHA256' }),
  keyed('P-384, the client has the scheme of P-256 alone', () => ecKey('P-384'), { sigalgs: 'ECDSA+SHA256' }),
  {
    what: 'version 1',
    pem() {
      const { pem, keyPem } = certificate({ commonName: 'upstream.test', isVersion1: true, issuer: root })
      return keyPem + pem
    },
  },
  {
    what: 'a chain, the key in the form of SEC 1',
    pem() {
      const { key, pem } = certificate(own)
      return pem + root.pem + key.export({ type: 'sec1', format: 'pem' })
    },
  },
  {
    what: 'a passphrase',
    passphrase: 'p=w',
    pem() {
      const { key, pem } = certificate(own)
      return pem + key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p=w' })
    },
  },
]

/** What both kinds of servers differ in goes for STARTTLS, too. */
export const TURNS = SERVERS.filter(
  ({ what, serve }) =>
    /^(nothing special|TLS 1|CBC|RSA 2048|P-521 alone|.*another name|.*expired|.*version 1|.*signed itself|.*missing)/.test(
      what,
    ) && typeof serve() === 'object',
)

/** A server of SMTP that turns to TLS with these settings, and answers once. */
export const turning =
  (settings: TlsOptions): Serve =>
  (plain) => {
    plain.write('220 hi\r\n')
    plain.on('data', function hear(data) {
      if (!/^STARTTLS/i.test(data.toString('latin1'))) {
        plain.write('250-hi\r\n250 STARTTLS\r\n')
        return
      }
      plain.off('data', hear)
      plain.pause()
      plain.write('220 go\r\n')
      const socket = new TLSSocket(plain, { ...settings, isServer: true })
      socket.on('error', () => {})
      socket.once('data', () => socket.end(ANSWER))
    })
  }

/** A client of SMTP that turns to TLS. */
export const turns =
  (client: Client = asks({ ALPNProtocols: undefined, checkServerIdentity: () => undefined })): Client =>
  async (talk: Talk, ca, heard) => {
    await talk.hears('220 hi\r\n')
    talk.says('EHLO me\r\n')
    await talk.hears('STARTTLS\r\n')
    talk.says('STARTTLS\r\n')
    await talk.hears('220 go\r\n')
    return client(talk, ca, heard)
  }
