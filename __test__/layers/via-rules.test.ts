// The option `via`: its entries, which of them counts, and connections that change their way once more is known of them.
import test from 'ava'
import { MidwireError } from '../../src/errors.js'
import type { HttpFlow } from '../../src/flow/http.js'
import { hopText, parseVia } from '../../src/flow/via.js'
import { parseViaRules } from '../../src/layers/via/rules.js'
import { clientHello, serverName } from '../support/client-hellos.js'
import { GET, OK } from '../support/http1-play.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const ways = (...entries: string[]) =>
  parseViaRules(entries).map(({ filter, via }) => `${filter ? 'rule' : 'all'} ${via.map(hopText).join()}`.trimEnd())

const ruled = (entries: string[], first: 'http1' | 'raw' | 'reach' | 'tls', more: PlaybookOptions = {}) =>
  new Playbook(first, { ...more, options: { via: parseViaRules(entries), ...more.options } })

test('an entry is a way, or a rule with any separator', (t) => {
  t.deepEqual(ways('socks5://host', 'direct', 'http://a:3128,https://b', '[::1]:3128', ' me:secret@proxy '), [
    'all socks5://host:1080',
    'all',
    'all http://a:3128,https://b:443',
    'all http://[::1]:3128',
    'all http://me@proxy:80',
  ])
  t.deepEqual(
    ways('/~d example.com/socks5://host:1080', '|~d a/b|direct', ':~d "a|b":http://proxy', '\u2192~m GET\u2192a'),
    ['rule socks5://host:1080', 'rule', 'rule http://proxy:80', 'rule http://a:80'],
  )
})

test('a wrong entry is refused by its number, without a password', (t) => {
  const refusals: [entry: string, code: 'ERR_VIA' | 'ERR_FILTER', said: RegExp][] = [
    ['ftp://me:secret@host', 'ERR_VIA', /^via entry 2, .*there is no scheme ftp/],
    ['/~d a', 'ERR_VIA', /^via entry 2, this is neither a way nor a rule/],
    ['/', 'ERR_VIA', /^via entry 2, /],
    ['/~d a/', 'ERR_VIA', /^via entry 2, "": this is no proxy/],
    ['|~d a|me:secret@host:99999', 'ERR_VIA', /^via entry 2, .*a port is a whole number/],
    ['/~dd a/direct', 'ERR_FILTER', /^filter: via entry 2, there is no operator ~dd/],
    ['//direct', 'ERR_FILTER', /^filter: via entry 2, it is empty/],
  ]
  for (const [entry, code, said] of refusals) {
    const error = t.throws(() => parseViaRules(['direct', entry]), { instanceOf: MidwireError }, entry)
    t.is(error?.code, code)
    t.regex(error?.message ?? '', said)
    t.notRegex(error?.message ?? '', /secret/)
  }
})

test('the first entry that matches counts; without one the way of the mode does', (t) => {
  const entries = ['/~m POST/socks5://post', '/~d example.org/socks5://first', '/~d example.org/socks5://second']
  const entrance = { via: parseVia('socks5://mode') }
  const opened = (request: string, more: string[] = []) => {
    const play = ruled([...entries, ...more], 'http1', { entrance })
    play.data(play.client, request)
    return play.said().join()
  }
  t.regex(opened(GET), / via socks5:\/\/first:1080$/)
  t.regex(opened('POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n'), / via socks5:\/\/post:1080$/)
  t.regex(opened('GET / HTTP/1.1\r\nHost: other\r\n\r\n'), / via socks5:\/\/mode:1080$/)
  t.regex(opened('GET / HTTP/1.1\r\nHost: other\r\n\r\n', ['socks5://all']), / via socks5:\/\/all:1080$/)
  t.is(opened('GET / HTTP/1.1\r\nHost: other\r\n\r\n', ['direct']), 'open tcp 192.0.2.1:80 pooled')
})

test("a hook's way counts more than the option, and so does that of a tunnel", (t) => {
  const to = (via: string) => (flow: HttpFlow) => {
    flow.via = via
  }
  const flow = ruled(['socks5://option'], 'http1', { hooks: { request: to('direct') } })
  flow.data(flow.client, GET)
  t.deepEqual(flow.said(), ['open tcp 192.0.2.1:80 pooled'])
  const tunnel = new Playbook('http-proxy', {
    mode: 'regular',
    options: { via: parseViaRules(['socks5://option']), connection_strategy: 'lazy' },
    hooks: { http_connect: to('socks5://tunnel') },
  })
  tunnel.data(tunnel.client, 'CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n')
  tunnel.said()
  tunnel.data(tunnel.client, 'GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')
  t.deepEqual(tunnel.said(), ['open tcp example.org:80 pooled via socks5://tunnel:1080'])
})

test('before there is a flow, filters are asked about a CONNECT to the destination', (t) => {
  const entries = [
    '/~dst "192\\.0\\.2\\.1:22$" & ~m CONNECT & ~src "10\\.0\\.0\\.1"/socks5://ssh',
    '/~http/socks5://rest',
  ]
  for (const [port, way] of [
    [22, 'socks5://ssh:1080'],
    [23, 'socks5://rest:1080'],
  ] as const) {
    const play = ruled(entries, 'reach', { destination: { host: '192.0.2.1', port, transport: 'tcp' } })
    t.deepEqual(play.said(), [`open tcp 192.0.2.1:${port} via ${way}`])
  }
  const tunnel = new Playbook('http-proxy', {
    mode: 'regular',
    options: { via: parseViaRules(['/~d ^example.org$/socks5://proxy']) },
  })
  tunnel.data(tunnel.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  t.deepEqual(tunnel.said(), ['open tcp example.org:443 via socks5://proxy:1080'])
})

test('a raw flow is asked about as what it is', (t) => {
  const play = ruled(['/~http/socks5://http', '/~tcp/socks5://tcp'], 'raw')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 via socks5://tcp:1080'])
  // The client of a proxy is connected to the proxy: only the destination says where the flow goes.
  const named = new Playbook('http-proxy', {
    mode: 'regular',
    options: { via: parseViaRules(['/~tcp & ~dst ^example.org:22$/socks5://ssh']), connection_strategy: 'lazy' },
  })
  named.data(named.client, 'CONNECT example.org:22 HTTP/1.1\r\nHost: example.org:22\r\n\r\n')
  named.said()
  named.data(named.client, 'SSH-2.0-OpenSSH_9.6\r\n')
  t.deepEqual(named.said(), ['open tcp example.org:22 via socks5://ssh:1080'])
  named.openFailed('ECONNREFUSED')
  t.is(named.finished[0]?.server?.host, 'example.org')
})

test('a rule by name matches once the ClientHello has come: the connection that is open is closed, another leaves by the proxy', (t) => {
  const hello = clientHello({ ciphers: [0xc02b], extensions: [[0, serverName('a.test')]] })
  const destination = { host: '192.0.2.1', port: 443, transport: 'tcp' } as const
  const play = ruled(['/~d a.test/socks5://proxy'], 'reach', { destination })
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443'])
  play.opened()
  t.deepEqual(play.said(), ['accept'])
  play.data(play.client, hello)
  t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:443 tls:a.test: pooled-only via socks5://proxy:1080'])
  play.reply('open')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:a.test: via socks5://proxy:1080'])
  const other = ruled(['/~d b.test/socks5://proxy'], 'tls', { destination, connected: true })
  other.data(other.client, hello)
  other.reply('open')
  t.is(other.said().at(-1), 'secure server a.test', 'where no rule matches, the connection stays')
})

test('a kept connection is not shared between ways', (t) => {
  const play = ruled(['/~m POST/socks5://proxy'], 'http1')
  play.data(play.client, GET)
  play.data(play.opened(true), OK)
  play.data(play.client, GET)
  t.notRegex(play.said().slice(1).join(), /open/)
  play.data(play.servers[0] ?? play.client, OK)
  play.said()
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play.said(), ['release server', 'open tcp 192.0.2.1:80 pooled via socks5://proxy:1080'])
})

test('the way of a request stays as it is when its flow has a server', (t) => {
  // The proxy forwards. Once it is the server of the flow, the rule by destination would not match any longer.
  const play = ruled(['/~dst 192.0.2.1/http://proxy:3128'], 'http1')
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp proxy:3128 pooled'])
  play.opened()
  t.regex(play.said().join(), /^send server "GET http:\/\/192\.0\.2\.1\/a HTTP/)
})
