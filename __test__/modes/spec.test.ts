// The grammar of mode specs (features 4.1), and two modes on one address.
import test from 'ava'
import { MODES } from '../../src/modes/index.js'
import type { ListenOptions } from '../../src/modes/listen.js'
import { parseServer } from '../../src/modes/server-spec.js'
import { checkSource, checkSpecs, parseSpec } from '../../src/modes/spec.js'

const none: ListenOptions = { listen_host: '', listen_port: undefined }
const parsed = (text: string) => {
  const { name, data, host, port } = parseSpec(text)
  return [name, data, host, port]
}

test('specs', (t) => {
  const specs: [string, (string | number | undefined)[]][] = [
    ['regular', ['regular', undefined, undefined, undefined]],
    ['REGULAR', ['regular', undefined, undefined, undefined]],
    ['regular:', ['regular', undefined, undefined, undefined]],
    ['regular@8081', ['regular', undefined, undefined, 8081]],
    [' regular@8081\n', ['regular', undefined, undefined, 8081]],
    ['regular@0', ['regular', undefined, undefined, 0]],
    ['regular@:8081', ['regular', undefined, '', 8081]],
    ['regular@localhost:65535', ['regular', undefined, 'localhost', 65_535]],
    ['regular@192.0.2.1:1', ['regular', undefined, '192.0.2.1', 1]],
    ['regular@::1:8080', ['regular', undefined, '::1', 8080]],
    ['regular@[fe80::1%eth0]:8080', ['regular', undefined, 'fe80::1%eth0', 8080]],
    ['wireguard:~/keys.conf', ['wireguard', '~/keys.conf', undefined, undefined]],
    ['WireGuard:C:\\Keys@Home\\a.conf@51821', ['wireguard', 'C:\\Keys@Home\\a.conf', undefined, 51_821]],
    ['wireguard:a@b:c@[2001:db8::1]:9', ['wireguard', 'a@b:c', '2001:db8::1', 9]],
  ]
  for (const [text, expected] of specs) t.deepEqual(parsed(text), expected, text)
  t.is(parseSpec('Regular@1').text, 'Regular@1')
})

test('what is no spec', (t) => {
  const wrong: [string, RegExp][] = [
    ['', /no mode ""/],
    ['regullar', /no mode "regullar" \(did you mean regular\?\); the modes are wireguard, regular/],
    ['wiregard@1', /did you mean wireguard\?/],
    ['regulra', /did you mean regular\?/],
    ['osproxy', /no mode "osproxy"; the modes are/],
    ['@8080', /no mode ""/],
    ['Local:curl', /Local is not there yet; the modes are wireguard/],
    ['tun', /tun is not there yet/],
    ['regular:data', /takes nothing after a colon/],
    ['regular@', /invalid port ""/],
    ['regular@65536', /invalid port "65536"/],
    ['regular@-1', /invalid port "-1"/],
    ['regular@+1', /invalid port/],
    ['regular@1e3', /invalid port/],
    ['regular@ 80', /invalid port/],
    ['regular@localhost', /invalid port "localhost"/],
    ['regular@[::1]', /invalid port "1\]"/],
    ['regular@host:', /invalid port ""/],
    ['regular@a b:80', /"a b" is neither an address nor a name/],
    ['regular@[::1:80', /neither an address nor a name/],
    ['wireguard:me@home', /invalid port "home"/],
  ]
  for (const [text, message] of wrong) {
    t.throws(() => parseSpec(text), { code: 'ERR_MODE', message }, text)
  }
})

const check = (specs: string[], options = none) => checkSpecs(specs.map(parseSpec), options)

test('two modes on one address are refused, with a way out', (t) => {
  const twice: [string[], ListenOptions, RegExp][] = [
    [['regular', 'regular'], none, /"regular" listens on TCP 127\.0\.0\.1:8080 already.*as in regular@8081/],
    [['regular', 'wireguard', 'regular@8080'], none, /TCP 127\.0\.0\.1:8080/],
    [['regular', 'regular@127.0.0.1:8080'], none, /TCP 127\.0\.0\.1:8080/],
    [['regular', 'regular@localhost:8080'], none, /TCP 127\.0\.0\.1:8080/],
    [['regular', 'socks5@0.0.0.0:8080'], none, /TCP 0\.0\.0\.0:8080 already/],
    [['regular@0.0.0.0:8080', 'socks5@127.0.0.1:8080'], none, /TCP 127\.0\.0\.1:8080 already/],
    [['regular@[::]:8080', 'regular'], none, /TCP 127\.0\.0\.1:8080 already/],
    [['wireguard', 'wireguard:other'], none, /UDP port 51820 already.*as in wireguard:other@51821/],
    [['regular@::1:1', 'regular@[0:0::1]:1'], none, /TCP \[0:0::1\]:1/],
    [['regular', 'regular@192.0.2.1:9'], { listen_host: '192.0.2.1', listen_port: 9 }, /TCP 192\.0\.2\.1:9/],
  ]
  for (const [specs, options, message] of twice) {
    t.throws(() => check(specs, options), { code: 'ERR_MODE', message }, specs.join())
  }
  const apart: [string[], ListenOptions][] = [
    [['wireguard', 'regular'], none],
    [['regular', 'regular@8081', 'wireguard', 'wireguard@51821'], none],
    // UDP and TCP have ports of their own.
    [['regular', 'wireguard'], { listen_host: '', listen_port: 9000 }],
    // Each takes a free one.
    [['regular@0', 'regular@0'], none],
    [['regular@127.0.0.1:8080', 'regular@127.0.0.2:8080'], none],
    [['regular@0.0.0.0:8080', 'regular@[::1]:8080'], none],
  ]
  for (const [specs, options] of apart) t.notThrows(() => check(specs, options), specs.join())
})

test('what upstream and reverse lead to', (t) => {
  const right = [
    'upstream:proxy:3128',
    'upstream:https://proxy',
    'upstream:http://[::1]:3128@8081',
    'upstream:socks5://a:1080,http://b',
    'reverse:example.com',
    'reverse:HTTPS://example.com/',
    'reverse:tcp://[2001:db8::1]:22@2222',
    'reverse:dns://192.0.2.1',
    'transparent:tproxy@8081 via http://a',
    'reverse:udp://a:1 via socks5://b',
    'reverse:udp://a:1 via wireguard:b.conf',
    'wireguard@51820 via socks5://user:pass@proxy:1080,http://other',
  ]
  for (const text of right) t.notThrows(() => parseSpec(text), text)
  t.deepEqual(parseSpec('regular@1 via direct').via, [])
  t.deepEqual(parseSpec('regular@1  VIA  direct ').via, [])
  const wrong: [string, RegExp][] = [
    ['upstream', /wants the proxy after a colon/],
    ['upstream:ftp://a', /no scheme ftp/],
    ['upstream:http://user:pass@host:3128', /upstream_auth/],
    [
      'upstream:http://h:0',
      /a port is a whole number from 1 to 65535: .*socks4a:\/\/, before them a tunnel, wireguard:FILE$/,
    ],
    ['upstream:http://a via http://b', /names its proxy itself/],
    ['reverse', /wants the server after a colon/],
    [
      'reverse:udp://a:1 via http://user:secret@b',
      /datagrams cannot pass through http:\/\/user@b:80: of all proxies only SOCKS5/,
    ],
    ['reverse:ftp://a', /no scheme ftp; the schemes are http, https, tcp, tls, udp, dns/],
    ['reverse:quic://a', /quic is not there yet/],
    ['reverse:http3://a', /http3 is not there yet/],
    ['reverse:dtls://a:1', /dtls is not there yet/],
    ['reverse:tcp://a', /tcp needs a port, as in tcp:\/\/a:1234/],
    ['reverse:https://a/path', /a path has no place here/],
    ['reverse:https://a:0', /invalid port 0/],
    ['reverse:https://', /no server/],
    ['dns:x', /takes nothing after a colon/],
    ['dns via socks5://a', /by no proxy/],
    ['transparent:x', /stands tproxy, or nothing/],
  ]
  for (const [text, message] of wrong) t.throws(() => parseSpec(text), { code: 'ERR_MODE', message }, text)
  t.throws(() => parseSpec('regular via nonsense://x'), { code: 'ERR_VIA' })
  for (const text of ['regular@1 via', 'regular@1 via ']) t.throws(() => parseSpec(text), { code: 'ERR_VIA' })
})

test("clients' addresses can be kept only where a mode keeps them", (t) => {
  const check = (spoof_source_address: boolean, ...texts: string[]) =>
    checkSource(texts.map(parseSpec), { spoof_source_address })
  t.notThrows(() => check(false, 'regular'))
  t.notThrows(() => check(true, 'regular', 'transparent:tproxy@8081'))
  const message =
    'spoof_source_address: only mode transparent:tproxy can let servers see the addresses of clients; add it, or leave the option out'
  for (const mode of ['transparent', 'regular']) t.throws(() => check(true, mode), { code: 'ERR_OPTION', message })
})

test('each mode of the list says who it is', (t) => {
  t.is(new Set(MODES.map(({ name }) => name)).size, MODES.length)
  for (const mode of MODES) {
    t.regex(mode.name, /^[a-z0-9]+$/)
    t.true(mode.description.length > 10)
    t.true(mode.defaultPort > 0)
    t.true(mode.transports.length > 0)
  }
})

test("names with letters that are not ASCII's are as DNS has them", (t) => {
  const ports = { https: 443 }
  t.like(parseServer('', 'Bücher.example:8443', 'https', ports), { host: 'xn--bcher-kva.example', port: 8443 })
  t.like(parseServer('', 'LOCALHOST.', 'https', ports), { host: 'LOCALHOST.' })
  t.throws(() => parseServer('', 'a\u3000b', 'https', ports), { code: 'ERR_MODE' })
})

test('passwords are in no message', (t) => {
  for (const text of [
    'regular@99999 via http://u:secret@127.0.0.1:9,socks5://v:12345@h',
    'regular:x via http://u:s@cret@h',
    'upstream:http://u:secret@127.0.0.1:9@1 via http://x',
    'nonsense:http://u:secret@h',
  ]) {
    const error = t.throws(() => parseSpec(text), { code: 'ERR_MODE' })
    t.notRegex(`${error?.message}`, /secret|s@cret|12345/, text)
    t.regex(`${error?.message}`, /\/\/u:\.\.\.@/, text)
  }
  t.throws(() => parseSpec('regular:x via http://h:80'), { message: /"regular:x via http:\/\/h:80"/ })
  t.throws(() => parseSpec('reverse:foo://a:80@8080'), { message: /"reverse:foo:\/\/a:80@8080"/ })
})
