// The table that decides which protocol it is: a row for each rule and its neighbours, each at every beginning of its bytes.
import test, { type ExecutionContext } from 'ava'
import { type Decision, decide, type Evidence } from '../../src/layers/decide.js'
import type { Target } from '../../src/layers/entrance.js'
import { captured, clientHello, handshake, records, serverName } from '../support/client-hellos.js'
import { Random } from '../support/http1.js'
import { defaults } from '../support/layer-options.js'

type Options = Evidence['options']
type Changes = Partial<Omit<Evidence, 'options' | 'clientBytes'>> & { options?: Partial<Options> }

function evidence(bytes: Buffer | string, { options, ...changes }: Changes = {}): Evidence {
  return {
    transport: 'tcp',
    clientBytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'),
    clientEnded: false,
    serverBytes: 0,
    clientTls: false,
    destination: { host: '192.0.2.1', port: 8000 },
    entrance: {},
    options: { ...defaults, ...options },
    ...changes,
  }
}

const PRI = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const GET = 'GET / HTTP/1.1\r\nAccept: */*\r\nhost: Shop.Example \r\n\r\n'
const HELLO = clientHello({ extensions: [[0, serverName('Shop.Example')]] })
const QUIC = `\xc0\0\0\0\x01${'\0'.repeat(20)}`
const DTLS = `\x16\xfe\xfd${'\0'.repeat(20)}`
const QUERY = '\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01'

const udp = (changes: Changes = {}): Changes => ({ transport: 'udp', ...changes })
const to = (port: number, host = '192.0.2.1', address?: string): Changes => ({ destination: { host, port, address } })
const explicit = (changes: Changes = {}): Changes => ({ destination: undefined, ...changes })
const connect = (changes: Changes = {}): Changes => ({ ...to(443, 'shop.example'), ...changes })
const inside = (changes: Changes = {}): Changes => ({ clientTls: true, alpn: '', ...changes })
const pass = (changes: Changes): Changes => ({ ...changes, options: { http3: 'pass' } })
const ignore = (...ignore_hosts: RegExp[]): Changes => ({ options: { ignore_hosts } })
const allow = (...allow_hosts: RegExp[]): Changes => ({ options: { allow_hosts } })
const only = (protocol: Target['protocol']): Changes => ({ entrance: { target: { tls: false, protocol } } })
const RESOLVER: Changes = { entrance: { ownResolver: true }, ...to(53, '10.0.0.53') }

const ROWS: [what: string, bytes: Buffer | string, changes: Changes, decision: Decision, reason: RegExp][] = [
  // The tunnel's resolver
  ['the resolver is never ignored', '', { ...RESOLVER, ...ignore(/./) }, 'dns', /resolver/],
  ['the resolver over UDP', QUERY, udp({ ...RESOLVER, ...allow(/nothing/) }), 'dns', /resolver/],
  ['another port of its address', GET, { ...RESOLVER, ...to(80, '10.0.0.53') }, 'http1', /request/],

  // ignore_hosts and allow_hosts
  ['ignored by address, before it speaks', '', ignore(/^192\.0\.2\.1:8000$/), 'ignore', /ignore_hosts/],
  ['ignored by the port', '', ignore(/:8000$/), 'ignore', /ignore_hosts/],
  ['ignored by a name', '', { ...to(443, 'a.test'), ...ignore(/^a\.test:443$/) }, 'ignore', /ignore_hosts/],
  [
    'ignored by the address of a name',
    '',
    { ...to(443, 'a.test', '192.0.2.7'), ...ignore(/^192\.0\.2\.7:/) },
    'ignore',
    /./,
  ],
  [
    'ignored by an address of IPv6',
    '',
    { ...to(443, '2001:db8::1'), ...ignore(/^\[2001:db8::1\]:443$/) },
    'ignore',
    /./,
  ],
  ['ignored by SNI', HELLO, ignore(/^shop\.example:8000$/), 'ignore', /ignore_hosts/],
  [
    'ignored by SNI in records of a byte',
    records(handshake({ extensions: [[0, serverName('a.b')]] }), 1),
    ignore(/^a\.b:/),
    'ignore',
    /./,
  ],
  ['not ignored by another SNI', HELLO, ignore(/^example/), 'tls', /TLS/],
  ['not ignored without SNI', captured('openssl-tls12'), ignore(/shop/), 'tls', /TLS/],
  [
    'ignored by an address as SNI',
    clientHello({ extensions: [[0, serverName('192.0.2.9')]] }),
    ignore(/^192\.0\.2\.9:/),
    'ignore',
    /./,
  ],
  ['what looks like TLS and is no ClientHello', '\x16\x03\x01\x00\x00', ignore(/shop/), 'tls', /TLS/],
  ['ignored by the Host field', GET, ignore(/^Shop\.Example:8000$/), 'ignore', /ignore_hosts/],
  ['ignored by a Host field with port', GET.replace('Example', 'Example:81'), ignore(/Example:81$/), 'ignore', /./],
  ['ignored by a name with its final dot', '', { ...to(443, 'A.Test.'), ...ignore(/^a\.test:443$/) }, 'ignore', /./],
  ['ignored by that name as it was said', '', { ...to(443, 'A.Test.'), ...ignore(/^A\.Test\.:443$/) }, 'ignore', /./],
  [
    'ignored by a Host field with its final dot',
    GET.replace('Example', 'Example.:81'),
    ignore(/^shop\.example:81$/),
    'ignore',
    /./,
  ],
  [
    'ignored by a Host field with an address of IPv6',
    GET.replace('Shop.Example', '[2001:db8::1]:81'),
    ignore(/^\[2001:db8::1\]:81$/),
    'ignore',
    /./,
  ],
  [
    'raw by a name with its final dot',
    GET,
    { ...to(80, 'A.Test.'), options: { tcp_hosts: [/^a\.test$/] } },
    'raw',
    /tcp_hosts/,
  ],
  ['not ignored by another Host field', GET, ignore(/^other/), 'http1', /request/],
  ['not ignored by another field', 'GET / HTTP/1.1\r\nX-Host: shop\r\n\r\n', ignore(/shop/), 'http1', /request/],
  ['not ignored by a body', 'GET / HTTP/1.1\r\n\r\nHost: shop\r\n\r\n', ignore(/shop/), 'http1', /request/],
  ['ignored by the Host field inside TLS', GET, { ...inside(), ...ignore(/^shop/i) }, 'ignore', /ignore_hosts/],
  [
    'ignored by the name of the TLS around it',
    '',
    { ...inside({ sni: 'in.test' }), ...ignore(/^in\.test:8000$/) },
    'ignore',
    /./,
  ],
  ['what is no name waits for none', '\x01\x02', ignore(/shop/), 'raw', /request/],
  ['ignored by SNI after a CONNECT', HELLO, connect(ignore(/^shop/)), 'ignore', /./],
  ['allowed by address', GET, allow(/^192\.0\.2\.1:/), 'http1', /request/],
  ['allowed by SNI', HELLO, allow(/^shop\.example:/), 'tls', /TLS/],
  ['allowed by the Host field', GET, allow(/^shop/i), 'http1', /request/],
  ['not allowed by SNI', HELLO, allow(/^other/), 'ignore', /allow_hosts/],
  ['not allowed by the Host field', GET, allow(/^other/), 'ignore', /allow_hosts/],
  ['not allowed, and nothing more will come', '\0\0\0', allow(/^other/), 'ignore', /allow_hosts/],
  ['not allowed, and the server speaks first', '', { ...allow(/^other/), serverBytes: 9 }, 'ignore', /allow_hosts/],
  ['not allowed, over UDP', QUIC, udp(allow(/^other/)), 'ignore', /allow_hosts/],
  ['allowed and ignored', HELLO, { options: { allow_hosts: [/./], ignore_hosts: [/^shop/i] } }, 'ignore', /./],
  [
    'allowed by address, and ignored by no name',
    HELLO,
    { options: { allow_hosts: [/192/], ignore_hosts: [/zzz/] } },
    'tls',
    /./,
  ],
  ['ignored UDP', QUERY, udp(ignore(/192/)), 'ignore', /ignore_hosts/],
  [
    'nothing is ignored before a destination is known',
    GET,
    explicit(ignore(/./)),
    'http-proxy',
    /the request names the destination/,
  ],

  // An explicit proxy
  ['a request to a proxy', 'GET http://a/ HTTP/1.1\r\n', explicit(), 'http-proxy', /the request names the destination/],
  ['a CONNECT', 'CONNECT a:443 HTTP/1.1\r\n', explicit(), 'http-proxy', /the request names the destination/],
  ['garbage to a proxy', '\0\0', explicit(), 'http-proxy', /the request names the destination/],
  [
    'half a TLS record to a proxy',
    '\x16\x03',
    explicit({ clientEnded: true }),
    'http-proxy',
    /the request names the destination/,
  ],
  ['TLS to a proxy', HELLO, explicit(), 'tls', /TLS/],
  [
    'a request in TLS to a proxy',
    GET,
    explicit(inside({ alpn: 'http/1.1' })),
    'http-proxy',
    /the request names the destination/,
  ],
  ['SOCKS in TLS to a proxy', '\x05\x01\0', explicit(inside()), 'socks', /SOCKS5/],
  ['TLS to a proxy, and nothing in it yet', '', explicit(inside()), 'more', /has not begun/],
  ['TLS to a proxy, and nothing in it', '', explicit(inside({ clientEnded: true })), 'http-proxy', /the request/],
  ['TLS after a CONNECT', HELLO, connect(), 'tls', /TLS/],
  ['TLS in TLS after a CONNECT', HELLO, connect(inside()), 'raw', /request/],
  ['HTTP after a CONNECT', GET, connect(), 'http1', /request/],
  ['HTTP in TLS after a CONNECT', GET, connect(inside({ alpn: 'http/1.1' })), 'http1', /agreed on/],
  ['SSH after a CONNECT', 'SSH-2.0-x\r\n', connect(), 'raw', /SSH/],
  ['a server that speaks first after a CONNECT', '', connect({ serverBytes: 1 }), 'raw', /server speaks first/],

  // One server, whose protocol the mode knows
  ['HTTP to the one server', 'anything', only('http1'), 'http1', /mode/],
  ['TLS to the one server', HELLO, only('http1'), 'tls', /TLS/],
  ['HTTP in TLS to the one server', GET, { ...only('http1'), ...inside({ alpn: 'http/1.1' }) }, 'http1', /mode/],
  ['HTTP/2 in TLS to the one server', PRI, { ...only('http1'), ...inside({ alpn: 'h2' }) }, 'http2', /h2 was agreed/],
  ['HTTP/2 without TLS to the one server', PRI, only('http1'), 'http2', /preface/],
  ['a request to a server of raw bytes', GET, only('raw'), 'raw', /mode/],
  ['TLS to a server of raw bytes', HELLO, only('raw'), 'tls', /TLS/],
  ['a silent client of a server of raw bytes', '', only('raw'), 'more', /neither side/],
  ['a server of raw bytes that speaks first', '', { ...only('raw'), serverBytes: 1 }, 'raw', /mode/],
  ['DNS to the one server', '', only('dns'), 'dns', /mode/],
  ['ignored, to the one server', GET, { ...only('http1'), ...ignore(/:8000$/) }, 'ignore', /ignore_hosts/],
  ['datagrams to the one server', QUIC, udp(only('raw')), 'raw', /mode/],

  // TLS, DTLS, QUIC
  ['TLS', HELLO, {}, 'tls', /TLS/],
  ['TLS to port 53', HELLO, to(53), 'tls', /TLS/],
  ['TLS in TLS', HELLO, inside(), 'raw', /request/],
  ['TLS after the server has spoken', HELLO, { serverBytes: 3 }, 'raw', /server speaks first/],
  ['almost TLS', '\x16\x03\x04', {}, 'raw', /request/],
  ['half a TLS record', '\x16\x03', { clientEnded: true }, 'raw', /request/],
  ['half a TLS record, and then silence', '\x16\x03', { waited: true }, 'raw', /request/],
  ['DTLS', DTLS, udp(), 'raw', /DTLS/],
  ['QUIC', QUIC, udp(), 'raw', /QUIC/],
  ['QUIC by its port', 'x'.repeat(18), udp(pass(to(443))), 'raw', /QUIC/],
  ['HTTP/3', QUIC, udp(to(443)), 'refuse', /http3=block/],
  ['HTTP/3 under way', `\x4d${'\0'.repeat(30)}`, udp(to(443)), 'refuse', /http3=block/],
  ['HTTP/3 to an ignored host', QUIC, udp({ ...to(443), ...ignore(/:443$/) }), 'ignore', /ignore_hosts/],
  ['HTTP/3 to a host of udp_hosts', QUIC, udp({ ...to(443), options: { udp_hosts: [/./] } }), 'raw', /QUIC/],
  ['HTTP/3 to the one server', QUIC, udp({ ...to(443), ...only('raw') }), 'raw', /mode/],
  ['DTLS to port 443', DTLS, udp(to(443)), 'raw', /DTLS/],
  ['WireGuard to port 443', `\x01${'\0'.repeat(147)}`, udp(to(443)), 'raw', /QUIC/],
  ['TLS over UDP is none', HELLO, udp(), 'raw', /UDP/],

  // tcp_hosts and udp_hosts
  ['tcp_hosts by address', GET, { options: { tcp_hosts: [/^192\.0\.2\.1$/] } }, 'raw', /tcp_hosts/],
  ['tcp_hosts with the port', GET, { options: { tcp_hosts: [/^192\.0\.2\.1:8000$/] } }, 'raw', /tcp_hosts/],
  ['tcp_hosts do not keep TLS on', HELLO, { options: { tcp_hosts: [/./] } }, 'tls', /TLS/],
  [
    'tcp_hosts by SNI',
    GET,
    { ...inside({ sni: 'a.test', alpn: 'http/1.1' }), options: { tcp_hosts: [/^a\.test$/] } },
    'raw',
    /tcp_hosts/,
  ],
  ['tcp_hosts that are others', GET, { options: { tcp_hosts: [/other/] } }, 'http1', /request/],
  ['udp_hosts are not for TCP', GET, { options: { udp_hosts: [/./] } }, 'http1', /request/],
  ['udp_hosts', QUERY, udp({ ...to(53), options: { udp_hosts: [/:53$/] } }), 'raw', /udp_hosts/],
  ['tcp_hosts are not for UDP', QUERY, udp({ ...to(53), options: { tcp_hosts: [/./] } }), 'dns', /53/],

  // ALPN
  ['HTTP/1.1 was agreed on: nobody has to speak', '', inside({ alpn: 'http/1.1' }), 'http1', /agreed/],
  ['HTTP/1.0 was agreed on', '', inside({ alpn: 'http/1.0' }), 'http1', /agreed/],
  ['HTTP/2 was agreed on', PRI, inside({ alpn: 'h2' }), 'http2', /h2 was agreed/],
  [
    'HTTP/2 was agreed on, and is off',
    PRI,
    { ...inside({ alpn: 'h2' }), options: { http2: false } },
    'raw',
    /http2 is off/,
  ],
  ['HTTP/2 by its preface', PRI, {}, 'http2', /preface/],
  ['a part of the preface', PRI.slice(0, 5), {}, 'more', /preface/],
  ['the preface where HTTP/2 is off', PRI, { options: { http2: false } }, 'raw', /HTTP\/2/],
  ['another protocol was agreed on', '\0\0\0', inside({ alpn: 'imap' }), 'raw', /request/],
  ['nothing was agreed on', GET, inside(), 'http1', /request/],

  // Who speaks first
  ['a server that leaves without a word', '', { serverEnded: true }, 'raw', /without a word/],
  ['a server that leaves when the client has begun', HELLO, { serverEnded: true }, 'tls', /TLS/],
  ['a server that speaks first', '', { serverBytes: 1 }, 'raw', /server speaks first/],
  ['a server that speaks first, inside TLS', '', inside({ serverBytes: 1 }), 'raw', /server speaks first/],
  ['a server that speaks at the same time', GET, { serverBytes: 1 }, 'raw', /server speaks first/],
  ['a server that speaks first on port 53', '', { serverBytes: 1, ...to(53) }, 'raw', /server speaks first/],
  ['a client that only listens', '', { clientEnded: true }, 'raw', /sends nothing/],
  ['nobody speaks', '', {}, 'more', /neither side/],
  ['nobody speaks, for long', '', { waited: true }, 'more', /neither side/],
  ['nobody speaks, inside TLS', '', inside(), 'more', /neither side/],
  ['nobody speaks to the proxy', '', explicit(), 'more', /neither side/],

  // Protocols that are known by their first bytes
  ['SSH with a space', 'SSH-2.0-OpenSSH Debian\r\n', {}, 'raw', /SSH/],
  ['SMTP', 'EHLO a\r\n', { options: { rawtcp: false } }, 'raw', /mail/],
  ['STARTTLS', 'STARTTLS\r\n', { options: { rawtcp: false } }, 'raw', /STARTTLS/],
  ['MQTT', '\x10\x0e\0\x04MQTT', { options: { rawtcp: false } }, 'raw', /MQTT/],
  ['half of a protocol that is raw in any case', '\0\0\0', {}, 'raw', /does not begin/],
  ['half of a protocol that may be DNS', '\0\0\0', to(53), 'more', /may become/],
  ['PostgreSQL', '\0\0\0\x08\x04\xd2\x16\x2f', to(53), 'raw', /PostgreSQL/],
  ['SSH that stops', 'SS', { clientEnded: true }, 'raw', /ends/],

  // DNS and UDP
  ['DNS over UDP', QUERY, udp(to(53)), 'dns', /port 53/],
  ['mDNS', QUERY, udp(to(5353)), 'dns', /port 5353/],
  ['DNS over TCP', `\0\x13${QUERY}`, to(53), 'dns', /port 53/],
  ['HTTP on port 53', GET, to(53), 'dns', /port 53/],
  ['other UDP', QUERY, udp(to(54)), 'raw', /UDP/],
  ['an empty datagram', '', udp(), 'raw', /UDP/],
  ['HTTP over UDP', 'NOTIFY * HTTP/1.1\r\n', udp(to(1900)), 'raw', /UDP/],

  // HTTP by its first line
  ['HTTP', GET, {}, 'http1', /request/],
  ['HTTP on port 443', GET, to(443), 'http1', /request/],
  ['WebDAV', 'PROPFIND /a HTTP/1.1\r\n', {}, 'http1', /request/],
  ['words', 'HELLO world\r\n', {}, 'raw', /does not begin/],
  ['a line without spaces', 'PING\r\n', {}, 'raw', /does not begin/],
  ['octets', '\0\x01\x02', {}, 'raw', /does not begin/],
  ['octets without rawtcp', '\x01\x02', { options: { rawtcp: false } }, 'http1', /rawtcp/],
  ['half a method', 'GE', {}, 'more', /may become/],
  ['half a method, and then silence', 'GE', { waited: true }, 'raw', /ends/],
  ['half a method, and then the end', 'GE', { clientEnded: true }, 'raw', /ends/],
  ['half a target of a new method, and then silence', 'NEWWORD http', { waited: true }, 'raw', /ends/],
  ['a whole request, and then silence', GET, { waited: true }, 'http1', /request/],
]

/** Nothing has ended yet, as long as more is to come. */
const going = { clientEnded: false, serverEnded: false, waited: false }

/** The same at every beginning of the bytes: `more`, until it is what it stays. */
function isSteady(t: ExecutionContext, whole: Evidence, decision: Decision): void {
  if (whole.transport === 'udp') return
  const { clientEnded, waited, clientBytes } = whole
  for (let end = 0; end < clientBytes.length; end++) {
    const begun = { ...whole, clientBytes: clientBytes.subarray(0, end), ...going }
    const { decision: early } = decide(begun)
    if (early !== 'more' && early !== decision) t.fail(`${early} after ${end} bytes, and in the end ${decision}`)
    if (early !== 'more' || clientEnded || waited) continue
    // Where nothing more will come, something is decided all the same: nobody waits for ever.
    t.not(decide({ ...begun, clientEnded: true }).decision, 'more')
  }
}

for (const [what, bytes, changes, decision, reason] of ROWS) {
  test(what, (t) => {
    const whole = evidence(bytes, changes)
    const verdict = decide(whole)
    t.is(verdict.decision, decision)
    t.regex(verdict.reason, reason)
    isSteady(t, whole, decision)
    if (decision === 'more') return
    const longer = Buffer.concat([whole.clientBytes, Buffer.from('\r\nHost: a\r\n\r\n')])
    if (whole.transport === 'tcp' && !whole.clientEnded && !whole.waited && !whole.serverEnded) {
      t.is(decide({ ...whole, clientBytes: longer }).decision, decision, 'what follows')
    }
  })
}

test('a name that is still to come is waited for, and not longer than it may be', (t) => {
  const waits = (bytes: Buffer | string, changes = ignore(/shop/)) => decide(evidence(bytes, changes)).decision
  for (const begun of [HELLO.subarray(0, -1), GET.slice(0, -3), `GET /${'a'.repeat(65_000)}`])
    t.is(waits(begun), 'more')
  t.is(waits(`GET /${'a'.repeat(66_000)}`), 'http1')
  t.is(waits(Buffer.from('16030140000100fffff0', 'hex')), 'tls')
  t.is(waits('GE', { ...ignore(/shop/), waited: true }), 'raw')
  // An expression that is global finds the same each time.
  const whole = evidence('', ignore(/192/g))
  for (let times = 0; times < 3; times++) t.is(decide(whole).decision, 'ignore')
})

test('random bytes in every state: a decision, and never another one when more has come', (t) => {
  const random = new Random(44)
  for (let round = 0; round < 5_000; round++) {
    const noise = Buffer.from(Array.from({ length: random.below(20) }, () => random.below(256)))
    const sample = evidence(random.pick(ROWS)[1]).clientBytes.subarray(0, random.below(40))
    const whole = evidence(Buffer.concat([sample, noise]), { ...random.pick(ROWS)[2], ...going })
    const { decision } = decide(whole)
    const over = decide({ ...whole, clientEnded: true }).decision
    t.not(over, 'more')
    if (decision === 'more') continue
    isSteady(t, whole, decision)
    t.is(over, decision)
  }
})
