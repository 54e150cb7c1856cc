// JA3 and JA4 against what was published for them.
import test from 'ava'
import { type ClientHello, readClientHello } from '../../../src/layers/tls/client-hello.js'
import { isGrease, ja3, ja4, ja4Raw } from '../../../src/layers/tls/fingerprint.js'
import { captured, clientHello, protocols, serverName, u16, vector8, vector16 } from '../../support/client-hellos.js'

function hello(bytes: Buffer): ClientHello {
  const read = readClientHello(bytes)
  if (!read) throw new Error('it is not whole')
  return read
}

const CHROME = [
  ...[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f],
  0x0035,
]
const ALGORITHMS = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]

/** A hello with these extensions, each as Chrome fills it, and GREASE at every place. */
function chrome(types: readonly number[], groups: readonly number[], algorithms = ALGORITHMS): ClientHello {
  const data = new Map([
    [0, serverName('example.com')],
    [10, vector16(u16(0x2a2a, ...groups))],
    [11, vector8(Buffer.from([0]))],
    [13, vector16(u16(...algorithms))],
    [16, protocols('h2', 'http/1.1')],
    [43, vector8(u16(0xeaea, 0x0304, 0x0303))],
    [51, vector16(u16(0x2a2a, 1, 0, 29, 1, 0).subarray(0, 5))],
  ])
  const extensions = [0x3a3a, ...types, 0x4a4a].map((type) => [type, data.get(type) ?? Buffer.alloc(0)] as const)
  return hello(clientHello({ ciphers: [0xbaba, ...CHROME], extensions }))
}

test("JA4: the example of FoxIO's description, with its lists", (t) => {
  const types = [0x1b, 0, 0x33, 0x10, 0x4469, 0x17, 0x2d, 0xd, 5, 0x23, 0x12, 0x2b, 0xff01, 0xb, 0xa, 0x15]
  const read = chrome(types, [29, 23, 24])
  t.is(ja4(read), 't13d1516h2_8daaf6152771_e5627efa2ab1')
  const ciphers = '002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9'
  const extensions = '0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01'
  t.is(ja4Raw(read), `t13d1516h2_${ciphers}_${extensions}_0403,0804,0401,0503,0805,0501,0806,0601`)
  t.is(ja4(read, 'q'), 'q13d1516h2_8daaf6152771_e5627efa2ab1')
  t.is(ja4(read, 'd').slice(0, 4), 'd13d')
})

test('JA3 and JA4 of Chrome 143, as browserleaks.com has published them', (t) => {
  const types = [45, 51, 16, 65037, 23, 17613, 0, 11, 10, 43, 65281, 35, 18, 5, 13, 27]
  const read = chrome(types, [4588, 29, 23, 24])
  t.deepEqual(ja3(read), {
    text: '771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27,4588-29-23-24,0',
    hash: '98487aa16281980e7d1120d399efb6a4',
  })
  t.is(ja4(read), 't13d1516h2_8daaf6152771_d8a2da3f94cd')
})

test('GREASE among signature algorithms does not count either', (t) => {
  const types = [0, 13, 43]
  t.is(ja4(chrome(types, [], [0x5a5a, ...ALGORITHMS])), ja4(chrome(types, [])))
})

test('fingerprints of real programs', (t) => {
  t.is(ja4(hello(captured('openssl'))), 't13d3111h2_e8f1e7e78f70_1f22a2ca17c4')
  t.is(ja3(hello(captured('openssl'))).hash, '5a1edc7f170af1014fc65c994878e63c')
  t.regex(ja4(hello(captured('chromium'))), /^t13d1517h2_8daaf6152771_/)
  t.regex(ja4(hello(captured('openssl-tls12'))), /^t12i28\d\d00_/)
  t.regex(ja4(hello(captured('node'))), /^t13d\d{4}h1_/)
})

test('no ciphers, extensions or algorithms that count', (t) => {
  const bare = hello(clientHello({ ciphers: [0x0a0a], extensions: null, version: 0x0301 }))
  t.is(ja4(bare), 't10i000000_000000000000_000000000000')
  t.deepEqual(ja3(bare).text, '769,,,,')
  // FoxIO's list without algorithms: it ends without an underscore.
  const types = [0x5, 0xa, 0xb, 0xd, 0x12, 0x15, 0x17, 0x1b, 0x23, 0x2b, 0x2d, 0x33, 0x4469, 0xff01]
  const read = { ...bare, extensions: types, signatureAlgorithms: [] }
  t.regex(ja4(read), /_6d807ffa2a79$/)
  const many = { ...bare, cipherSuites: Array.from({ length: 120 }, (_, index) => index) }
  t.is(ja4(many).slice(0, 8), 't10i9900')
})

const ALPN: [protocol: string | undefined, shown: string][] = [
  ['h2', 'h2'],
  ['http/1.1', 'h1'],
  ['h', 'hh'],
  [undefined, '00'],
  ['\xab', 'ab'],
  ['\xab\xcd', 'ad'],
  ['0\xab', '3b'],
  ['01\xab\xcd', '3d'],
  ['0\xab\xcd1', '01'],
  ['a\n1', 'a1'],
  [' h', '28'],
]
for (const [protocol, shown] of ALPN) {
  test(`ALPN ${JSON.stringify(protocol)} is ${shown}`, (t) => {
    const alpn = protocol === undefined ? [] : [protocol, 'other']
    t.is(ja4({ ...hello(captured('openssl')), alpn }).slice(8, 10), shown)
  })
}

const VERSIONS: [legacy: number, offered: number[], shown: string][] = [
  [0x0303, [0x7a7a, 0x0304, 0x0303], '13'],
  [0x0303, [0x0303, 0x0304], '13'],
  [0x0303, [0xfafa], '12'],
  [0x0302, [], '11'],
  [0x0300, [], 's3'],
  [0x0002, [], 's2'],
  [0xfeff, [], 'd1'],
  [0xfefd, [0xfefd, 0xfefc], 'd3'],
  [0x0305, [], '00'],
]
for (const [legacyVersion, supportedVersions, shown] of VERSIONS) {
  test(`version ${legacyVersion.toString(16)} with ${supportedVersions.length} offers is ${shown}`, (t) => {
    t.is(ja4({ ...hello(captured('openssl')), legacyVersion, supportedVersions }).slice(1, 3), shown)
  })
}

test('GREASE is sixteen values', (t) => {
  const all = Array.from({ length: 65_536 }, (_, value) => value).filter(isGrease)
  t.is(all.length, 16)
  t.deepEqual([all[0], all[15]], [0x0a0a, 0xfafa])
})
