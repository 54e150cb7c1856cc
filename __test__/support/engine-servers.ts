// Servers of each kind, for the comparison of the two engines of TLS: their certificates, settings and faults.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Socket } from 'node:net'
import { type SecureVersion, TLSSocket, type TlsOptions } from 'node:tls'
import { boolean, implicit, octetString, oid, sequence } from '../../src/certs/der.js'
import { type Alter, altered, cutAfter } from './altered.js'
import { certificate, ecKey, extensionOf, type Made, rsaKey, type Wanted } from './certificates.js'
import { ok } from './proxy.js'

/** How a server serves: by node:tls, or by itself from the first byte on. `heard`: the client has heard the answer's beginning. */
export type Serve = TlsOptions | ((socket: Socket, heard: Promise<void>) => void)

/** Where the engines differ, and may: with `texts` of rustls in place of OpenSSL's all is the same. */
export interface Differs {
  readonly why: string
  readonly texts: readonly (readonly [rustls: string, openssl: string])[]
}

export interface ServerKind {
  readonly what: string
  /** Called by those who use the kind alone, as some keys take long to make. */
  readonly serve: () => Serve
  /** The client has a name for the server; default true. Else the certificate has to be for its address. */
  readonly isNamed?: boolean
  /** midwire has a certificate of its own to show. */
  readonly hasIdentity?: boolean
  readonly options?: Readonly<Record<string, unknown>>
  /** How often the client asks. */
  readonly times?: number
  readonly differs?: Differs
}

export const root = certificate({ commonName: 'root', ca: true })
export const identity = certificate({ commonName: 'client', issuer: root })
const names = ['upstream.test']
const middle = certificate({ commonName: 'middle', ca: true, issuer: root })
const strict = certificate({
  commonName: 'strict',
  ca: true,
  issuer: root,
  // Name constraints (RFC 5280, 4.2.1.10): names below `example` alone.
  extensions: [
    extensionOf('2.5.29.30', true, sequence(Buffer.from([0xa0, 11, 0x30, 9, 0x82, 7, ...Buffer.from('example')]))),
  ],
})
const short = certificate({ commonName: 'short', ca: 0, issuer: root })
const below = certificate({ commonName: 'below', ca: true, issuer: short })
const noAuthority = certificate({ commonName: 'none', issuer: root })
const old = certificate({ commonName: 'old', ca: true, issuer: root, from: -3, until: -1 })
const good = certificate({ names, issuer: root })
const rsa = certificate({ names, issuer: root, key: rsaKey() })

const usage = (...ids: string[]) => extensionOf('2.5.29.37', false, sequence(...ids.map(oid)))
const padding = (bytes: number) => extensionOf('1.3.6.1.4.1.99999.2', false, octetString(Buffer.alloc(bytes)))
const others = (count: number, bytes = 0) =>
  Array.from({ length: count }, (_, index) =>
    certificate({ commonName: `other ${index}`, ...(bytes > 0 && { extensions: [padding(bytes)] }) }),
  )

const shows = ({ pem, keyPem }: Made, more: TlsOptions = {}, above: readonly Made[] = []): TlsOptions => ({
  cert: pem + above.map((one) => one.pem).join(''),
  key: keyPem,
  ...more,
})
const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version })
const leaf = (wanted: Wanted, above: readonly Made[] = []) => shows(certificate({ issuer: root, ...wanted }), {}, above)

/** A server that shows a leaf. */
const cert = (what: string, wanted: Wanted, above?: readonly Made[], more: Partial<ServerKind> = {}): ServerKind => ({
  what: `a certificate ${what}`,
  serve: () => leaf(wanted, above),
  ...more,
})

/** A server that shows a leaf with a key that is made for it. */
const key = (what: string, make: () => KeyObject): ServerKind => ({
  what: `a key of ${what}`,
  serve: () => shows(certificate({ names, issuer: root, key: make() })),
})

/** A server with these settings and a good leaf. */
const set = (what: string, settings: TlsOptions, more: Partial<ServerKind> = {}, made = good): ServerKind => ({
  what,
  serve: () => shows(made, settings),
  ...more,
})

/** A server that answers the ClientHello with these bytes, and ends. */
const says = (what: string, bytes: string | Buffer): ServerKind => ({
  what,
  serve: () => (socket) => socket.once('data', () => socket.end(bytes)),
})

const alert = (level: number, description: number) => Buffer.from([21, 3, 3, 0, 2, level, description])

/** A server by node:tls whose bytes leave as `make` says; `then` is called in the middle of an answer without an end. */
const alters = (
  what: string,
  make: () => Alter,
  settings: TlsOptions = {},
  then: (below: Socket) => void = () => {},
): ServerKind => ({
  what,
  serve: () => (below, heard) => {
    const all = { ...shows(good, settings), honorCipherOrder: true, isServer: true }
    const socket = new TLSSocket(altered(below, make()), all)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(UNTIL_CLOSE))
    void heard.then(() => then(below))
  },
})

const asItIs: Alter = (data, socket) => socket.write(data)

const CERTIFICATES: ServerKind[] = [
  cert('of another name', { names: ['other.test'] }),
  cert('of another name and no SAN', { commonName: 'other.test' }),
  cert('with its name as CN alone', { commonName: 'upstream.test' }),
  cert('with no name at all', { subject: sequence() }),
  cert('with a wildcard', { names: ['*.test'] }),
  cert('with a wildcard in a part of a label', { names: ['up*.test'] }),
  cert('with a wildcard that is not the first label', { names: ['upstream.*'] }),
  cert('with a wildcard alone', { names: ['*'] }),
  cert('with its name in capitals', { names: ['UPSTREAM.TEST'] }),
  cert('with a dot behind its name', { names: ['upstream.test.'] }),
  cert('for an address', { names: ['127.0.0.1'] }, [], { isNamed: false }),
  cert('for another address', { names: ['127.0.0.2'] }, [], { isNamed: false }),
  cert('for an address as a name', { extensions: [san(implicit(2, Buffer.from('127.0.0.1')))] }, [], {
    isNamed: false,
  }),
  cert('for an address as CN', { commonName: '127.0.0.1' }, [], { isNamed: false }),
  cert('with a name that is none beside its own', {
    extensions: [san(implicit(2, Buffer.from('a b')), implicit(2, Buffer.from('upstream.test')))],
  }),
  cert('that has expired', { names, from: -2, until: -1 }),
  cert('that is not valid yet', { names, from: 1 }),
  cert('of an authority that has expired', { names, issuer: old }, [old]),
  { what: 'a certificate that it has signed itself', serve: () => shows(certificate({ names })) },
  cert('of nobody known', { names, issuer: certificate({ commonName: 'stranger', ca: true }) }),
  {
    what: 'a root of its own in its chain',
    serve: () => {
      const stranger = certificate({ commonName: 'stranger', ca: true })
      return leaf({ names, issuer: stranger }, [stranger])
    },
  },
  cert('of an intermediate that is there', { names, issuer: middle }, [middle]),
  cert('of an intermediate that is missing', { names, issuer: middle }),
  cert('of an intermediate behind another certificate', { names, issuer: middle }, [...others(1), root, middle]),
  cert('and more than its chain', { names }, [...others(3), root]),
  cert('and 20 more', { names }, others(20)),
  cert('and 80 KiB more', { names }, others(20, 4_096)),
  cert('and 120 KiB more', { names }, others(30, 4_096)),
  cert('of an authority', { names, ca: true }),
  cert('of version 1', { commonName: 'upstream.test', isVersion1: true }),
  cert('of one that is no authority', { names, issuer: noAuthority }, [noAuthority]),
  cert('of an authority too deep', { names, issuer: below }, [below, short]),
  cert('with an unknown critical extension', {
    names,
    extensions: [extensionOf('1.3.6.1.4.1.99999.1', true, boolean(true))],
  }),
  cert('of an authority for other names', { names, issuer: strict }, [strict]),
  cert('for clients alone', { names, extensions: [usage('1.3.6.1.5.5.7.3.2')] }),
  cert('for servers and clients', { names, extensions: [usage('1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1')] }),
  cert('for any use', { names, extensions: [usage('2.5.29.37.0')] }),
  {
    what: 'a certificate that is signed with SHA-1',
    serve: () => ({ ...leaf({ names, hash: 'sha1' }), ciphers: 'DEFAULT:@SECLEVEL=0' }),
  },
  cert('with a wrong signature', {
    names,
    spoil: (signature) => signature.map((byte, at) => (at === 12 ? ~byte : byte)) as Buffer,
  }),
  cert('with a signature that is none', { names, spoil: () => Buffer.from('none') }),
  cert('with an organisation', { names, organization: 'a, b' }),
]

const KEYS: ServerKind[] = [
  set('RSA 2048', {}, {}, rsa),
  key('RSA 1024', () => rsaKey(1024)),
  key('RSA 3072', () => rsaKey(3072)),
  key('RSA 4096', () => rsaKey(4096)),
  key('RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
  key('P-384', () => ecKey('P-384')),
  key('P-521', () => ecKey('P-521')),
  key('secp256k1', () => ecKey('secp256k1')),
  key('Ed25519', () => generateKeyPairSync('ed25519').privateKey),
  key('Ed448', () => generateKeyPairSync('ed448').privateKey),
]

const asks = { requestCert: true, rejectUnauthorized: true, ca: root.pem }

/** What refuses a client of TLS 1.3 comes after the handshake: it is to come after the request, too. */
const LAZY = { options: { connection_strategy: 'lazy' } }

const SETTINGS: ServerKind[] = [
  set('nothing special', {}),
  set('TLS 1.3 alone', only('TLSv1.3')),
  set('TLS 1.2 alone', only('TLSv1.2')),
  set('TLS 1.2 alone and RSA', only('TLSv1.2'), {}, rsa),
  set('TLS 1.1 alone', { ...only('TLSv1.1'), ciphers: 'DEFAULT:@SECLEVEL=0' }, {}, rsa),
  set('TLS 1.0 alone', { ...only('TLSv1'), ciphers: 'DEFAULT:@SECLEVEL=0' }, {}, rsa),
  set('ChaCha20 alone', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305' }),
  set('CCM alone', { ...only('TLSv1.2'), ciphers: 'ECDHE-ECDSA-AES128-CCM' }),
  set('CBC alone', { ...only('TLSv1.2'), ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
  set('RSA key exchange alone', { ...only('TLSv1.2'), ciphers: 'AES128-GCM-SHA256' }, {}, rsa),
  set('P-384 alone: HelloRetryRequest', { ecdhCurve: 'P-384' }),
  set('P-521 alone', { ecdhCurve: 'P-521' }),
  set('X448 alone', { ecdhCurve: 'X448' }),
  set('SHA-512 alone', { sigalgs: 'RSA-PSS+SHA512:RSA+SHA512' }, {}, rsa),
  set('http/1.1', { ALPNProtocols: ['http/1.1'] }),
  set('another protocol alone', { ALPNProtocols: ['other'] }),
  set('a wish for certificates of clients', { ...asks, ...only('TLSv1.2') }),
  set('a wish for certificates of clients, TLS 1.3', { ...asks, ...only('TLSv1.3') }, LAZY),
  set('a wish for certificates of clients, and it gets one', asks, { hasIdentity: true }),
  set('a wish for certificates of others', { ...asks, ca: good.pem }, { hasIdentity: true, ...LAZY }),
  set('tickets, twice', only('TLSv1.3'), { times: 2 }),
  set('tickets of TLS 1.2, twice', only('TLSv1.2'), { times: 2 }),
  set('session identifiers, twice', { ...only('TLSv1.2'), secureOptions: 1 << 14 }, { times: 2 }),
  set('a wrong name, twice', {}, { times: 2 }, certificate({ names: ['other.test'], issuer: root })),
]

const FAULTS: ServerKind[] = [
  { what: 'nothing to say', serve: () => (socket) => socket.resume().end() },
  says('nothing to say to a ClientHello', ''),
  says('plain text', 'HTTP/1.1 400 Bad Request\r\n\r\n'),
  says('a greeting', '220 smtp ready\r\n'),
  says('a record of garbage', Buffer.concat([Buffer.from([22, 3, 3, 0, 32]), Buffer.alloc(32, 0xee)])),
  says('a record of no type', Buffer.from([99, 3, 3, 0, 1, 0])),
  says('a record that is too long', Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(0xffff)])),
  says('a part of a record', Buffer.from([22, 3, 3, 0, 200, 2])),
  says('application data at once', Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4])),
  ...([0, 10, 40, 42, 47, 49, 50, 70, 71, 80, 86, 112, 120, 200] as const).map((number) =>
    says(`the alert ${number}`, alert(2, number)),
  ),
  says('a warning alone', alert(1, 112)),
  { what: 'a reset for a ClientHello', serve: () => (socket) => socket.once('data', () => socket.resetAndDestroy()) },
  alters('an end in the handshake', () => cutAfter(200, 'end')),
  alters('a reset in the handshake', () => cutAfter(200, 'reset')),
  alters('an end in the handshake of TLS 1.2', () => cutAfter(200, 'end'), only('TLSv1.2')),
  alters('a reset in the handshake of TLS 1.2', () => cutAfter(200, 'reset'), only('TLSv1.2')),
  alters(
    'no close_notify',
    () => asItIs,
    {},
    (below) => below.end(),
  ),
  alters(
    'a reset in the middle of an answer',
    () => asItIs,
    {},
    (below) => below.resetAndDestroy(),
  ),
]

/** What stands in the place of records in the middle of an answer. */
const BEHIND: ServerKind[] = (
  [
    ['plain text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a record that cannot be decrypted', Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40, 0xee)])],
    ['a record that is too long', Buffer.concat([Buffer.from([23, 3, 3, 0xff, 0xff]), Buffer.alloc(0xffff)])],
    ['an alert in the clear', alert(2, 80)],
  ] as const
).flatMap(([what, bytes]) =>
  (['TLSv1.3', 'TLSv1.2'] as const).map((version) =>
    alters(
      `${what} in the middle of an answer, ${version}`,
      () => asItIs,
      only(version),
      (below) => below.end(bytes),
    ),
  ),
)

const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nanswer'

export const ANSWER = ok('answer').replace('\r\n', '\r\nConnection: close\r\n')

export const SERVERS: readonly ServerKind[] = [...SETTINGS, ...KEYS, ...CERTIFICATES, ...FAULTS, ...BEHIND]

function san(...list: Buffer[]): Buffer {
  return extensionOf('2.5.29.17', false, sequence(...list))
}
