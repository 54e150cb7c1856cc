// ClientHellos of real programs and made-up ones, whole, cut everywhere, in records of any size, broken and random.
import test from 'ava'
import { ClientHelloError, readClientHello } from '../../../src/layers/tls/client-hello.js'
import {
  captured,
  clientHello,
  handshake,
  PROGRAMS,
  type Program,
  protocols,
  records,
  serverName,
  u16,
  vector8,
  vector16,
} from '../../support/client-hellos.js'
import { Random } from '../../support/http1.js'

/** Undefined where it is refused. */
function attempt(bytes: Buffer) {
  try {
    return readClientHello(bytes) ?? 'more'
  } catch (error) {
    if (error instanceof ClientHelloError) return undefined
    throw error
  }
}

const whole = (bytes: Buffer) => {
  const hello = readClientHello(bytes)
  if (!hello) throw new Error('it is not whole')
  return hello
}

const named = (...names: (string | Buffer)[]) => clientHello({ extensions: [[0, serverName(...names)]] })

const SEEN: Record<Program, object> = {
  openssl: { sni: 'example.org', serverName: 'Example.ORG', alpn: ['h2', 'http/1.1'], keyShareGroups: [29] },
  'openssl-tls12': { sni: undefined, alpn: [], supportedVersions: [], sessionIdLength: 0, ech: false },
  curl: { sni: 'curl.example', alpn: ['h2', 'http/1.1'], supportedVersions: [0x0304, 0x0303] },
  node: { sni: 'node.example', alpn: ['http/1.1'], sessionIdLength: 32 },
  python: { sni: 'python.example', alpn: [], ecPointFormats: [0, 1, 2] },
  chromium: {
    sni: 'shop.example',
    alpn: ['h2', 'http/1.1'],
    supportedVersions: [0x8a8a, 0x0304, 0x0303],
    supportedGroups: [0xcaca, 4588, 29, 23, 24],
    keyShareGroups: [0xcaca, 4588, 29],
    signatureAlgorithms: [0x8a8a, 2308, 2309, 2310, 1027, 2052, 1025, 1283, 2053, 1281, 2054, 1537],
    compressionMethods: [0],
    ech: true,
  },
}

for (const program of PROGRAMS) {
  test(`what ${program} sends is read`, (t) => {
    const hello = whole(captured(program))
    t.like(hello, { recordVersion: 0x0301, legacyVersion: 0x0303, psk: false, earlyData: false, ...SEEN[program] })
    t.is(hello.random.length, 32)
    t.deepEqual(hello.random, captured(program).subarray(11, 43))
  })

  test(`what ${program} sends is the same in any segments and records`, (t) => {
    const bytes = captured(program)
    const expected = whole(bytes)
    for (let end = 0; end < bytes.length; end++) t.is(attempt(bytes.subarray(0, end)), 'more')
    const message = bytes.subarray(5)
    for (const size of [1, 2, 3, 4, 5, 100, message.length - 1]) {
      const cut = records(message, size)
      t.deepEqual(whole(cut), expected, `records of ${size}`)
      const steps = size < 3 ? 37 : 1
      for (let end = 0; end < cut.length; end += steps) {
        if (attempt(cut.subarray(0, end)) !== 'more') t.fail(`${end} bytes in records of ${size}`)
      }
    }
    t.deepEqual(whole(Buffer.concat([bytes, Buffer.from('what follows is not looked at')])), expected)
  })
}

test('GREASE and all else is kept in its order', (t) => {
  const { cipherSuites, extensions } = whole(captured('chromium'))
  t.is(cipherSuites[0], 0xbaba)
  t.deepEqual(
    [extensions[0], extensions.at(-1), extensions.includes(0), extensions.includes(0xfe0d)],
    [0x1a1a, 0xfafa, true, true],
  )
  t.is(extensions.length, 19)
})

test('a hello of before TLS 1.2 may have no extensions', (t) => {
  t.like(whole(clientHello({ version: 0x0300, extensions: null })), {
    legacyVersion: 0x0300,
    extensions: [],
    sni: undefined,
  })
  t.like(whole(clientHello({ extensions: [] })), { extensions: [] })
})

test('a session that goes on, and early data', (t) => {
  const extensions = [
    [42, Buffer.alloc(0)],
    [41, Buffer.from('anything')],
  ] as const
  t.like(whole(clientHello({ extensions, sessionId: Buffer.alloc(32) })), {
    psk: true,
    earlyData: true,
    sessionIdLength: 32,
  })
})

const NAMES: [sent: string | Buffer, sni: string | undefined, address?: boolean][] = [
  ['a', 'a'],
  ['WWW.Example.COM', 'www.example.com'],
  ['example.com.', 'example.com'],
  ['_dmarc.xn--bcher-kva.example', '_dmarc.xn--bcher-kva.example'],
  ['a'.repeat(255), 'a'.repeat(255)],
  ['192.0.2.1', undefined, true],
  ['2001:db8::1', undefined, true],
  ['[2001:db8::1]', undefined, true],
  ['::ffff:192.0.2.1', undefined, true],
  ['example.com:443', undefined],
  ['.', undefined],
  ['a..b', undefined],
  ['.a', undefined],
  ['a/b', undefined],
  ['*.example.com', undefined],
  [Buffer.from('bücher.example'), undefined],
  ['1.2.3.4.5', '1.2.3.4.5'],
  ['dead.beef', 'dead.beef'],
]
for (const [sent, sni, serverNameIsAddress = false] of NAMES) {
  test(`the name ${JSON.stringify(sent.toString().slice(0, 40))} is ${sni?.slice(0, 40)}`, (t) => {
    t.like(whole(named(sent)), { sni, serverName: Buffer.from(sent).toString('latin1'), serverNameIsAddress })
  })
}

test('other types of names are passed over', (t) => {
  const other = Buffer.concat([Buffer.from([1]), vector16(Buffer.from('x'))])
  const host = serverName('a.test').subarray(2)
  const extensions = [[0, vector16(Buffer.concat([other, host]))]] as const
  t.is(whole(clientHello({ extensions })).sni, 'a.test')
  t.is(whole(clientHello({ extensions: [[0, vector16(other)]] })).serverName, undefined)
})

const message = handshake({ extensions: [[0, serverName('a.test')]] })
const extension = (type: number, data: Buffer) => clientHello({ extensions: [[type, data]] })
const REFUSED: [what: string, bytes: Buffer][] = [
  ['no TLS', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
  ['a version 2', Buffer.from([22, 2])],
  ['a ServerHello', records(Buffer.from([2, 0, 0, 0]))],
  ['a ServerHello, cut', Buffer.from([22, 3, 1, 0, 9, 2])],
  ['a ServerHello, in small records', records(Buffer.from([2, 0, 0, 0]), 1)],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 1])],
  ['another record in the middle', Buffer.concat([records(message.subarray(0, 9)), Buffer.from([23, 3, 1, 0, 1, 0])])],
  ['another version in the middle', Buffer.concat([records(message.subarray(0, 9)), Buffer.from([22, 4])])],
  ['16 MiB', Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff])],
  ['an empty message', records(Buffer.from([1, 0, 0, 0]))],
  ['a session id of 33 bytes', clientHello({ sessionId: Buffer.alloc(33) })],
  ['no cipher', clientHello({ ciphers: [] })],
  [
    'half a cipher',
    records(
      Buffer.concat([
        Buffer.from([1, 0, 0, 41]),
        u16(0x0303),
        Buffer.alloc(33),
        vector16(Buffer.alloc(3)),
        Buffer.alloc(1),
      ]),
    ),
  ],
  ['bytes after the extensions', records(longer(message))],
  ['extensions that are too long', clientHello({ extensions: [[0x1234, Buffer.alloc(9)]] }).fill(0xff, 48, 50)],
  [
    'an extension twice',
    clientHello({
      extensions: [
        [5, Buffer.alloc(1)],
        [5, Buffer.alloc(1)],
      ],
    }),
  ],
  ['two server names', named('a', 'b')],
  ['an empty server name', named('')],
  ['an empty list of names', extension(0, vector16(Buffer.alloc(0)))],
  ['no list of names', extension(0, Buffer.alloc(0))],
  ['a name of 256 bytes', named('a'.repeat(256))],
  ['a name with NUL', named('a\0.example')],
  ['a name with a line feed', named('a\nb')],
  ['a name with a space', named('a b')],
  ['a name with DEL', named('a\x7f')],
  ['bytes after the names', extension(0, Buffer.concat([serverName('a'), Buffer.alloc(1)]))],
  ['an empty protocol', extension(16, protocols(''))],
  ['no protocol', extension(16, protocols())],
  ['an odd list of groups', extension(10, vector16(Buffer.alloc(3)))],
  ['no version', extension(43, vector8(Buffer.alloc(0)))],
  ['an empty key share', extension(51, vector16(u16(29, 0)))],
  ['early data with data', extension(42, Buffer.alloc(1))],
]

/** One byte more than its parts take. */
function longer(bytes: Buffer): Buffer {
  const result = Buffer.concat([bytes, Buffer.alloc(1)])
  result.writeUIntBE(result.length - 4, 1, 3)
  return result
}

for (const [what, bytes] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => readClientHello(bytes), { instanceOf: ClientHelloError })
    // More bytes do not make it better.
    t.is(attempt(Buffer.concat([bytes, Buffer.alloc(100, 22)])), undefined)
  })
}

test('a hello may take 64 KiB with its records, and no more', (t) => {
  const empty = clientHello({ extensions: [[0x1234, Buffer.alloc(0)]] }).length
  const size = (length: number) => Buffer.alloc(length - empty - 3 * 5)
  const fits = clientHello({ extensions: [[0x1234, size(65_536)]] })
  t.is(fits.length, 65_536)
  t.is(whole(fits).extensions.length, 1)
  t.is(attempt(fits.subarray(0, -1)), 'more')
  const over = clientHello({ extensions: [[0x1234, size(65_537)]] })
  t.is(attempt(over), undefined)
  // It is known as soon as its length is.
  t.is(attempt(over.subarray(0, 9)), undefined)
  t.is(attempt(over.subarray(0, 8)), 'more')
})

test('records of one byte that never end are read no further than 64 KiB', (t) => {
  const message = Buffer.alloc(20_000)
  message.writeUIntBE(0x01_00_40_00, 0, 4)
  const bytes = records(message, 1)
  t.is(attempt(bytes.subarray(0, 30)), 'more')
  const before = performance.now()
  t.is(attempt(bytes), undefined)
  t.true(performance.now() - before < 100)
})

test('random and changed bytes: nothing but a hello, undefined for more bytes, or a ClientHelloError', (t) => {
  const random = new Random(4)
  const below = (end: number) => random.below(end)
  const outcomes = { read: 0, refused: 0, more: 0 }
  for (let round = 0; round < 20_000; round++) {
    const program = random.pick(PROGRAMS)
    const bytes = round % 4 === 0 ? Buffer.from(Array.from({ length: below(80) }, () => below(256))) : captured(program)
    if (round % 4 === 0) bytes.set([22, 3, 1, 0, 70, 1, 0, 0, 66, 3, 3].slice(0, Math.min(below(12), bytes.length)))
    else for (let changes = below(4); changes >= 0; changes--) bytes[below(bytes.length)] = below(256)
    const outcome = attempt(bytes)
    if (outcome === undefined) outcomes.refused++
    else if (outcome === 'more') outcomes.more++
    else outcomes.read++
    // What is refused cannot become good, and what is whole does not depend on what follows.
    const cut = attempt(bytes.subarray(0, below(bytes.length + 1)))
    if (cut === undefined) t.is(outcome, undefined)
    if (cut !== undefined && cut !== 'more') t.deepEqual(cut, outcome)
  }
  t.true(outcomes.read > 5_000 && outcomes.refused > 1_000 && outcomes.more > 100, JSON.stringify(outcomes))
})
