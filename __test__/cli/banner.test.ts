// What is said at start, and the QR code: all of it on a terminal, and no key where there is none.
import { homedir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { encode } from 'uqr'
import { parseArguments } from '../../src/cli/arguments.js'
import { banner } from '../../src/cli/banner.js'
import { qrCode } from '../../src/cli/qr.js'
import { wgShow } from '../../src/cli/wg.js'

const config = '[Interface]\nPrivateKey = secret\n\n[Peer]\nEndpoint = 192.0.2.2:51820\n'
const facts = {
  version: '1.2.3',
  listeners: [
    { spec: 'wireguard', mode: 'wireguard', host: '0.0.0.0', port: 51_820, transport: 'udp' as const },
    { spec: 'wireguard', mode: 'wireguard', host: '::', port: 51_820, transport: 'udp' as const },
    { spec: 'regular', mode: 'regular', host: '127.0.0.1', port: 8080, transport: 'tcp' as const },
  ],
  peers: [
    { spec: 'wireguard', name: 'own', publicKey: 'a', addresses: [], config: undefined, endpoints: [] },
    {
      spec: 'wireguard',
      name: 'phone',
      publicKey: 'b',
      addresses: [],
      config,
      endpoints: ['192.0.2.2:51820', '[2001:db8::1]:51820'],
    },
  ],
  certificate: '/c/midwire-ca-cert.pem',
  onboarding: 'mitm.it',
  more: 'midwire wg show -m wireguard@4000',
  filter: undefined,
}
const dashes = '-'.repeat(60)

test('on a terminal: where it listens, the configuration between dashes, the QR code, the certificate', (t) => {
  const text = banner(facts, { columns: 120, color: false })
  t.regex(
    text,
    /^midwire 1\.2\.3\nwireguard listens on UDP 0\.0\.0\.0:51820 and UDP \[::\]:51820\nregular listens on TCP 127\.0\.0\.1:8080\n/,
  )
  t.true(text.includes(`\n${dashes}\n${config}${dashes}\n# other endpoints: [2001:db8::1]:51820\n`))
  t.true(text.includes(qrCode(config, 120, false) ?? 'none'))
  t.regex(text, /http:\/\/mitm\.it.*\/c\/midwire-ca-cert\.pem\n$/)
})

test('a terminal that is too narrow has no QR code, and says so', (t) => {
  const text = banner(facts, { columns: 30, color: false })
  t.false(text.includes('█'))
  t.regex(text, /a wider terminal/)
  t.true(text.includes(config))
})

test('where there is no file with the certificate, none is named', (t) => {
  const style = { columns: undefined, color: false }
  t.regex(
    banner({ ...facts, certificate: undefined }, style),
    /open http:\/\/mitm\.it there, through the proxy or the tunnel\n$/,
  )
  t.notRegex(banner({ ...facts, certificate: undefined, onboarding: undefined }, style), /certificate|undefined/)
})

test('what is no terminal gets no key', (t) => {
  const text = banner(facts, { columns: undefined, color: false })
  t.false(text.includes('secret') || text.includes('█'))
  t.regex(text, /: midwire wg show -m wireguard@4000\n/)
})

test('the command for the configurations has what the proxy was started with, for a shell', (t) => {
  const hint = (...argv: string[]) => wgShow(parseArguments(argv), join(homedir(), '.midwire'))
  t.is(hint(), 'midwire wg show')
  t.is(hint('-s', 'a.ts', '-v', '~d a', '--tcp-timeout', '3'), 'midwire wg show')
  t.is(
    hint('-m', 'wireguard@17820', '-mregular@1', '-p', '4', '--endpoint', 'my.host'),
    'midwire wg show -m wireguard@17820 -m regular@1 -p 4 --endpoint my.host',
  )
  t.is(hint('--set', 'mode=wireguard@1', '--set', 'flow_detail=2'), 'midwire wg show --set mode=wireguard@1')
  t.is(hint('-m', "wireguard:/a b/it's"), `midwire wg show -m 'wireguard:/a b/it'\\''s'`)
  t.is(wgShow(parseArguments([]), '/tmp/c'), 'midwire wg show --confdir /tmp/c')
})

test('without tunnel or onboarding nothing is said of them', (t) => {
  const text = banner({ ...facts, peers: [], onboarding: undefined, filter: '~d a' }, { columns: 120, color: false })
  t.notRegex(text, /WireGuard client|mitm\.it/)
  t.regex(text, /Only flows that match ~d a are shown/)
})

test('the QR code has all modules, a quiet zone of four, and is dark on light', (t) => {
  const { data, size } = encode(config, { border: 4 })
  const rows = (qrCode(config, size, true) ?? '').trimEnd().split('\n')
  const pairs: Record<string, [boolean, boolean]> = {
    '█': [false, false],
    '▀': [false, true],
    '▄': [true, false],
    ' ': [true, true],
  }
  const drawn: boolean[][] = []
  for (const row of rows) {
    t.true(row.startsWith('\x1b[38;5;231;48;5;16m') && row.endsWith('\x1b[0m'))
    const cells = [...row.replace(/^.*?m/, '').slice(0, -4)].map((cell) => pairs[cell] ?? [])
    drawn.push(
      cells.map(([upper]) => upper === true),
      cells.map(([, lower]) => lower === true),
    )
  }
  t.deepEqual(drawn.slice(0, size), data)
  t.true(
    data
      .slice(0, 4)
      .flat()
      .every((dark) => !dark),
  )
  t.is(qrCode(config, size - 1, true), undefined)
  t.is(qrCode('x'.repeat(10_000), 1000, true), undefined)
})
