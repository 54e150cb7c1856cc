// Clients of each kind, for the comparison of the two engines of TLS: by node:tls, and by bytes.
import { type ConnectionOptions, connect, type SecureVersion } from 'node:tls'
import { type Alter, altered, byBytes, cutAfter, inTwo, together } from './altered.js'
import { clientHello, handshake, protocols, records, serverName, u16, vector8, vector16 } from './client-hellos.js'
import { type Differs, identity } from './engine-servers.js'
import { Talk } from './talk.js'

/** Goes through a tunnel that is open; the answer is all that the client has seen. `heard` is called at the answer's beginning. */
export type Client = (talk: Talk, ca: string, heard: () => void) => Promise<unknown>

export interface ClientKind {
  readonly what: string
  readonly goes: Client
  readonly options?: Readonly<Record<string, unknown>>
  readonly differs?: Differs
}

export const REQUEST = 'GET / HTTP/1.1\r\nHost: upstream.test\r\nConnection: close\r\n\r\n'

const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version })

interface More {
  /** The request is written before the handshake is over. */
  readonly isEarly?: boolean
  /** Bytes in the place of records, behind an answer and a part of another request. */
  readonly behind?: Buffer
}

/** A client by node:tls with these settings, which asks once. */
export const asks =
  (settings: ConnectionOptions = {}, alter?: () => Alter, { isEarly = false, behind }: More = {}): Client =>
  async ({ socket }, ca, heard) => {
    socket.removeAllListeners('data')
    const secured = connect({
      socket: alter ? altered(socket, alter()) : socket,
      ca,
      servername: 'upstream.test',
      ALPNProtocols: ['http/1.1'],
      ...settings,
    })
    const talk = new Talk(secured)
    const done = new Promise<void>((resolve) => {
      secured.once('secureConnect', resolve)
      secured.once('close', () => resolve())
    })
    if (isEarly) talk.says(REQUEST)
    await done
    const seen = {
      version: secured.getProtocol(),
      cipher: secured.getCipher()?.name,
      alpn: secured.alpnProtocol,
      names: (secured.getPeerCertificate() as { subjectaltname?: string } | null)?.subjectaltname,
    }
    if (!isEarly && !talk.closed) talk.says(behind ? REQUEST.replace(/Connection.*\r\n/, '') : REQUEST)
    const first = await talk.hears('answer').catch(() => '')
    heard()
    if (behind) secured.write(REQUEST.slice(0, 20), () => socket.write(behind))
    const answer = first + (await talk.hearsAll())
    return { ...seen, status: answer.slice(9, 12), error: talk.error?.code }
  }

/** A client by node:tls. */
const node = (what: string, settings: ConnectionOptions, more: Partial<ClientKind> = {}): ClientKind => ({
  what,
  goes: asks(settings),
  ...more,
})

/** The same with each version. */
const both = (what: string, settings: ConnectionOptions, alter?: () => Alter, more?: More): ClientKind[] =>
  (['TLSv1.3', 'TLSv1.2'] as const).map((version) => ({
    what: `${what}, ${version}`,
    goes: asks({ ...settings, ...only(version) }, alter, more),
  }))

/** Says these bytes, waits for what `until` says, says more, and leaves as it is told. */
const bytes =
  (
    first: Buffer,
    until?: Buffer,
    then: Buffer = Buffer.alloc(0),
    how: 'end' | 'reset' | 'wait' = then.length > 0 ? 'wait' : 'end',
  ): Client =>
  async (talk) => {
    talk.says(first)
    const flight = until ? await talk.hears(until).catch(() => 'none') : ''
    if (then.length > 0) talk.says(then)
    if (how === 'reset') talk.socket.resetAndDestroy()
    else if (until && how === 'end') talk.socket.end()
    const rest = talk.closed || how === 'reset' ? '' : await talk.hearsAll()
    return recordsOf(Buffer.from(flight + rest, 'latin1'))
  }

/** The types of the records of a flight, but no two in a row; alerts, and the ServerHello's version and suite, in full. */
function recordsOf(flight: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at + 5 <= flight.length; at += 5 + flight.readUInt16BE(at + 3)) {
    const type = flight[at]
    const body = flight.subarray(at + 5)
    const suite = 39 + (body[38] ?? 0)
    if (type === 21 && flight.readUInt16BE(at + 3) === 2) found.push(`alert ${body[0]} ${body[1]}`)
    else if (type === 22 && body[0] === 2)
      found.push(`hello ${body.readUInt16BE(4)} ${body.readUInt16BE(suite).toString(16)}`)
    // How many messages are in a record is up to the engine.
    else if (type !== 22 && found.at(-1) !== `type ${type}`) found.push(`type ${type}`)
  }
  return found
}

const CHANGE_CIPHER_SPEC = Buffer.from([20, 3, 3, 0, 1, 1])
const TOO_LONG = Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(0xffff)])
const UNREADABLE = Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40, 0xee)])
const SERVER_HELLO_DONE = Buffer.from([14, 0, 0, 0])
const alert = (description: number, level = 2) => Buffer.from([21, 3, 3, 0, 2, level, description])

/** The extensions of a client of TLS 1.2 with P-256. */
const WITH_P256 = [
  [10, vector16(u16(23))],
  [11, vector8(Buffer.of(0))],
  [13, vector16(u16(0x0403))],
] as const
const NAME = [0, serverName('upstream.test')] as const
const OF_1_2 = { ciphers: [0xc02b], extensions: [NAME, ...WITH_P256] }
const hello12 = (...extensions: (readonly [number, Buffer])[]) =>
  clientHello({ ciphers: [0xc02b], extensions: [...extensions, ...WITH_P256] })

/** The same record with the version that all but the first one have. */
function ofVersion12(record: Buffer): Buffer {
  record[2] = 3
  return record
}

const raw = (what: string, ...how: Parameters<typeof bytes>): ClientKind => ({ what, goes: bytes(...how) })

/** A client by bytes that gets one alert from rustls, and another one, or none, from OpenSSL. */
const alerted = (rustls: string, openssl: string, kind: ClientKind): ClientKind => ({
  ...kind,
  differs: { why: 'the alert is of the engine that sends it', texts: [[rustls, openssl]] },
})

/** What a client by bytes has heard: the hello alone, and an alert behind it. */
const HELLO = '"hello 771 c02b"]'
const ALERTED = (number: number) => `"hello 771 c02b","alert 2 ${number}"]`

const AFTER = [
  ['plain text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a record that cannot be decrypted', UNREADABLE],
  ['a record that is too long', TOO_LONG],
  ['an alert in the clear', alert(48)],
  ['a record of no type', Buffer.from([99, 3, 3, 0, 1, 0])],
] as const

export const CLIENTS: readonly ClientKind[] = [
  node('no name', { servername: '', checkServerIdentity: () => undefined }),
  node('its name in capitals', { servername: 'UPSTREAM.TEST' }),
  node('a dot behind its name', { servername: 'upstream.test.', checkServerIdentity: () => undefined }),
  node('an underscore in its name', { servername: 'up_stream.test', checkServerIdentity: () => undefined }),
  raw('an address as its name', hello12([0, serverName('127.0.0.1')]), SERVER_HELLO_DONE),
  raw('an address of IPv6 as its name', hello12([0, serverName('::1')]), SERVER_HELLO_DONE),
  raw('a name that is none', hello12([0, serverName('a b')]), SERVER_HELLO_DONE),
  raw('an empty name', hello12([0, serverName('')]), SERVER_HELLO_DONE),
  raw('two names', hello12([0, serverName('upstream.test', 'other.test')]), SERVER_HELLO_DONE),
  node('an unknown protocol', { ALPNProtocols: ['other'] }),
  node('h2 alone', { ALPNProtocols: ['h2'] }),
  node('no protocol', { ALPNProtocols: undefined }),
  raw('an empty list of protocols', hello12(NAME, [16, protocols()]), SERVER_HELLO_DONE),
  node('a certificate that nobody asks for', { cert: identity.pem, key: identity.keyPem }),
  node(
    'a certificate that is asked for',
    { cert: identity.pem, key: identity.keyPem },
    { options: { request_client_cert: true } },
  ),
  node('no certificate, and is asked for one', {}, { options: { request_client_cert: true } }),
  node('TLS 1.0', { ...only('TLSv1'), ciphers: 'DEFAULT:@SECLEVEL=0' }),
  node('TLS 1.1', { ...only('TLSv1.1'), ciphers: 'DEFAULT:@SECLEVEL=0' }),
  node(
    'TLS 1.0, which is allowed',
    { ...only('TLSv1'), ciphers: 'DEFAULT:@SECLEVEL=0' },
    { options: { tls_version_client_min: 'TLS1' } },
  ),
  node('TLS 1.2, where 1.3 is asked for', only('TLSv1.2'), { options: { tls_version_client_min: 'TLS1_3' } }),
  node('TLS 1.3, where 1.2 is the last', only('TLSv1.3'), { options: { tls_version_client_max: 'TLS1_2' } }),
  node('RSA key exchange alone', { ...only('TLSv1.2'), ciphers: 'AES128-GCM-SHA256' }),
  node('CBC alone', { ...only('TLSv1.2'), ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
  node('DHE alone', { ...only('TLSv1.2'), ciphers: 'DHE-RSA-AES128-GCM-SHA256' }),
  node('RSA signatures alone', { ...only('TLSv1.2'), ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  node('ChaCha20 first', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256' }),
  node('ChaCha20 first, TLS 1.2', {
    ...only('TLSv1.2'),
    ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256',
  }),
  node('AES 256 first, TLS 1.2', {
    ...only('TLSv1.2'),
    ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
  }),
  node('CCM alone', { ...only('TLSv1.3'), ciphers: 'TLS_AES_128_CCM_SHA256' }),
  node('P-521 alone', { ecdhCurve: 'P-521' }),
  node('P-384 alone', { ecdhCurve: 'P-384' }),
  node('P-384 alone, TLS 1.2', { ...only('TLSv1.2'), ecdhCurve: 'P-384' }),
  node('X448 first: HelloRetryRequest', { ecdhCurve: 'X448:P-256' }),
  node('schemes that are odd', { sigalgs: 'ed25519' }),
  ...([42, 43, 44, 45, 46, 48, 49, 112, 90, 80] as const).map((number) =>
    raw(`the alert ${number}`, clientHello(OF_1_2), SERVER_HELLO_DONE, alert(number)),
  ),
  // OpenSSL has no words for these, and node:tls waits for the end behind them.
  raw('close_notify in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, alert(0), 'end'),
  raw('an unknown alert', clientHello(OF_1_2), SERVER_HELLO_DONE, alert(200), 'end'),
  raw('the alert 48 for TLS 1.3', hello13(), CHANGE_CIPHER_SPEC, alert(48)),
  raw('the alert 48 as a warning', clientHello(OF_1_2), SERVER_HELLO_DONE, alert(48, 1), 'end'),
  raw('an end in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE),
  raw('a reset in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, undefined, 'reset'),
  alerted(
    'alert 2 50',
    'alert 2 70',
    raw('plain text in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  ),
  raw('garbage in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, Buffer.from([22, 3, 3, 0, 4, 99, 0, 0, 0])),
  raw('application data in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, Buffer.from([23, 3, 3, 0, 1, 1])),
  raw('another ClientHello in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, ofVersion12(clientHello(OF_1_2))),
  alerted(
    'alert 2 50',
    'alert 2 22',
    raw('a record that is too long in the handshake', clientHello(OF_1_2), SERVER_HELLO_DONE, TOO_LONG),
  ),
  alerted(
    HELLO,
    ALERTED(50),
    raw(
      'a message that is cut in the handshake',
      clientHello(OF_1_2),
      SERVER_HELLO_DONE,
      Buffer.from([22, 3, 3, 0, 5, 16, 0, 0, 1, 9]),
    ),
  ),
  raw(
    'a record that cannot be decrypted, TLS 1.3',
    hello13(),
    CHANGE_CIPHER_SPEC,
    Buffer.concat([CHANGE_CIPHER_SPEC, UNREADABLE]),
  ),
  alerted(
    HELLO,
    ALERTED(10),
    raw(
      'warnings without end',
      clientHello(OF_1_2),
      SERVER_HELLO_DONE,
      Buffer.concat(Array.from({ length: 40 }, () => alert(41, 1))),
    ),
  ),
  raw('a ClientHello in records of 9 bytes', records(handshake(OF_1_2), 9), SERVER_HELLO_DONE),
  raw('no cipher in common', clientHello({ ...OF_1_2, ciphers: [0xc0ff] }), SERVER_HELLO_DONE),
  raw(
    'no compression',
    clientHello(OF_1_2).fill(1, 5 + 4 + 2 + 32 + 1 + 4 + 1, 5 + 4 + 2 + 32 + 1 + 4 + 2),
    SERVER_HELLO_DONE,
  ),
  ...both('an end in the middle of its Finished', {}, () => cutAfter(400, 'end')),
  ...AFTER.flatMap(([what, data]) => both(`${what} behind a request`, {}, undefined, { behind: data })),
  ...both('a ClientHello in two segments', {}, inTwo),
  ...both('a byte in each segment', {}, () => byBytes),
  ...both('its request in the same segment as Finished', {}, together, { isEarly: true }),
]

/** A ClientHello of TLS 1.3 with a key of P-256's generator. */
function hello13(): Buffer {
  const point = Buffer.from(
    '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    'hex',
  )
  return clientHello({
    sessionId: Buffer.alloc(32, 1),
    ciphers: [0x1301],
    extensions: [
      NAME,
      ...WITH_P256,
      [43, vector8(u16(0x0304))],
      [51, vector16(Buffer.concat([u16(23), vector16(point)]))],
    ],
  })
}
