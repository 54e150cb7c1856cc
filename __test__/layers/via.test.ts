// Proxies on the way to the server: what is said to each, one behind the other, and what becomes of their refusals.
import test from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import { parseVia } from '../../src/flow/via.js'
import { flowOf, GET, OK, sent } from '../support/http1-play.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const destination = { host: 'example.org', port: 443, transport: 'tcp' } as const
const serverTls = { sni: 'example.org', alpn: ['http/1.1'] }

/** A request to a server, with or without TLS, by way of proxies. */
function asked(via: string, { entrance, ...options }: PlaybookOptions = {}) {
  const play = new Playbook('http1', {
    ...{ destination, serverTls },
    ...options,
    entrance: { via: parseVia(via), ...entrance },
  })
  play.data(play.client, GET)
  return play
}

const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))))
const line = (...parts: (number | string)[]) => `send server ${JSON.stringify(bytes(...parts).toString('latin1'))}`

test('CONNECT to an HTTP proxy, and TLS with the server inside', (t) => {
  const play = asked('http://user:p%40ss@proxy:3128')
  t.deepEqual(play.said(), ['open tcp example.org:443 tls:example.org:http/1.1 pooled via http://user@proxy:3128'])
  const server = play.opened()
  const basic = Buffer.from('user:p@ss').toString('base64')
  t.deepEqual(play.said(), [
    line(`CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`),
  ])
  play.data(server, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connec')
  t.deepEqual(play.said(), [])
  play.data(server, 'tion established\r\n\r\n')
  t.deepEqual(play.said(), ['secure server example.org http/1.1'])
  play.reply('secureServer')
  t.deepEqual(play.said(), [line(GET)])
  play.data(server, OK)
  play.data(play.client, GET)
  t.is(play.said().at(-1), line(GET), 'the connection is kept for the next request')
})

test('TLS with the proxy before CONNECT, where it is an https one', (t) => {
  const play = asked('https://proxy')
  const server = play.opened()
  t.deepEqual(play.said().slice(1), ['secure hop proxy http/1.1'])
  play.reply('secureServer')
  t.deepEqual(play.said(), [line('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')])
  play.data(server, 'HTTP/1.0 200 OK\r\n\r\n')
  t.deepEqual(play.said(), ['secure server example.org http/1.1'])
})

test('plain HTTP is given to an HTTP proxy with its URL, and other servers share the connection', (t) => {
  const play = asked('http://user@proxy:3128', {
    serverTls: undefined as never,
    destination: { host: 'example.org', port: 8000, transport: 'tcp' },
  })
  t.deepEqual(play.said(), ['open tcp proxy:3128 pooled'])
  const server = play.opened()
  const authorization = `Proxy-Authorization: Basic ${Buffer.from('user:').toString('base64')}`
  t.deepEqual(play.said(), [
    line(`GET http://example.org:8000/a HTTP/1.1\r\nHost: example.org\r\n${authorization}\r\n\r\n`),
  ])
  play.data(server, OK)
  t.is(flowOf(play).request.headers.get('proxy-authorization'), undefined, 'it is not in the flow')
  play.said()
  play.data(play.client, 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n')
  t.deepEqual(play.said(), [line(`OPTIONS http://example.org:8000 HTTP/1.1\r\nHost: x\r\n${authorization}\r\n\r\n`)])
})

const forwarded = () => {
  const play = asked('http://user:secret@proxy:3128', {
    serverTls: undefined as never,
    destination: { host: 'example.org', port: 80, transport: 'tcp' },
  })
  const server = play.opened()
  play.said()
  return { play, server }
}

test('a 407 of the proxy that forwards is a 502 for the client, which has other credentials, if any', (t) => {
  const { play, server } = forwarded()
  play.data(server, 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n')
  const said = play.said().join()
  t.regex(said, /^close server,send client "HTTP\/1\.1 502 /)
  t.regex(said, /the proxy http:\/\/user@proxy:3128 has not forwarded the request: it wants a user name/)
  t.notRegex(said, /secret|Proxy-Authenticate/)
  t.regex(`${flowOf(play).error?.message}`, /http:\/\/user@proxy:3128 .*\(407\)/)
})

test("other answers of the proxy that forwards pass, since they may be the server's", (t) => {
  const { play, server } = forwarded()
  play.data(server, 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')}`])
})

test("a 407 of the server's own passes: the client speaks to a proxy behind midwire", (t) => {
  const play = new Playbook('http1', {})
  play.data(play.client, 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
  const server = play.opened()
  play.said()
  play.data(server, 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n')}`])
})

test('a proxy that leaves without an answer to what it forwards is named', (t) => {
  const { play, server } = forwarded()
  play.end(server)
  t.regex(play.said().join(), /502 .*the proxy http:\/\/user@proxy:3128 has closed the connection without an answer/)
})

test('what may be upgraded goes through a tunnel', (t) => {
  const play = new Playbook('http1', { entrance: { via: parseVia('http://proxy') } })
  play.data(play.client, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  play.opened()
  t.deepEqual(play.said().slice(1), [line('CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n')])
})

test('a refused CONNECT is a 502 that says which proxy refuses, and its connection is closed', (t) => {
  for (const [status, said] of [
    ['403 Forbidden', 'it answers 403 Forbidden'],
    ['407 Proxy Authentication Required', 'it wants a user name and a password, .*http://user:password@host'],
  ]) {
    const play = asked('http://user:secret@proxy:3128')
    const server = play.opened()
    play.said()
    play.data(server, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    const [close, page] = play.said()
    t.is(close, 'close server')
    t.regex(`${page}`, /^send client "HTTP\/1\.1 502 /)
    t.regex(`${page}`, new RegExp(`http://user@proxy:3128 has not connected to example.org:443: ${said}`))
    t.notRegex(`${page}`, /secret/)
  }
})

test('a proxy that speaks no HTTP, says nothing or hangs up is a fault of its own', (t) => {
  const talk = asked('http://proxy')
  talk.data(talk.opened(), 'SSH-2.0-OpenSSH\r\n\r\n')
  t.regex(talk.said().join(), /close server,send client "HTTP\/1\.1 502 /)
  const silent = asked('http://proxy')
  silent.opened()
  silent.after(30_000)
  t.regex(silent.said().join(), /504 .*it has not answered within 30 s/)
  const gone = asked('http://proxy')
  gone.close(gone.opened(), 'the connection was reset')
  t.regex(gone.said().join(), /502 .*the connection was reset/)
})

test('http_connect_upstream may change the CONNECT, or kill it', (t) => {
  const change = asked('http://proxy', {
    hooks: { http_connect_upstream: ({ request }: HttpFlow) => request.headers.set('X-Ticket', '7') },
  })
  change.opened()
  t.regex(change.said().join(), /X-Ticket: 7/)
  const kill = asked('http://proxy', { hooks: { http_connect_upstream: (flow: HttpFlow) => flow.kill() } })
  kill.opened()
  t.regex(kill.said().join(), /close server,send client "HTTP\/1\.1 502 /)
})

test('SOCKS5 is given the name, and asked without a password first', (t) => {
  const play = asked('socks5://proxy')
  const server = play.opened()
  t.deepEqual(play.said().slice(1), [line(5, 1, 0)])
  play.data(server, bytes(5))
  play.data(server, bytes(0))
  t.deepEqual(play.said(), [line(5, 1, 0, 3, 11, 'example.org', 1, 187)])
  play.data(server, bytes(5, 0, 0, 1, 0, 0, 0, 0, 0))
  t.deepEqual(play.said(), [])
  play.data(server, bytes(0))
  t.deepEqual(play.said(), ['secure server example.org http/1.1'])
})

test('SOCKS5 with a user name and a password, to addresses', (t) => {
  for (const [host, ...address] of [
    ['192.0.2.7', 1, 192, 0, 2, 7],
    ['2001:db8::7', 4, 0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 7],
  ] as const) {
    const play = asked('socks5://me:secret@proxy', {
      destination: { host, port: 80, transport: 'tcp' },
      serverTls: undefined as never,
    })
    const server = play.opened()
    t.deepEqual(play.said().slice(1), [line(5, 2, 0, 2)])
    play.data(server, bytes(5, 2))
    t.deepEqual(play.said(), [line(1, 2, 'me', 6, 'secret')])
    play.data(server, bytes(1, 0))
    t.deepEqual(play.said(), [line(5, 1, 0, ...address, 0, 80)])
    play.data(server, bytes(5, 0, 0, 3, 4, 'here', 0, 0))
    t.deepEqual(play.said(), [line(GET)])
  }
})

test('what SOCKS5 refuses is said, and a password is in none of it', (t) => {
  const refusals: [from: Buffer[], said: RegExp][] = [
    [[bytes(5, 0xff)], /another kind of authentication/],
    [[bytes(4, 0)], /does not speak SOCKS5/],
    [[bytes(5, 2), bytes(1, 1)], /has refused the user name and the password/],
    [[bytes(5, 0), bytes(5, 5, 0, 1)], /that server has refused the connection/],
    [[bytes(5, 0), bytes(5, 99, 0, 1)], /refuses with the reply 99/],
    [[bytes(5, 0), bytes(4, 0, 0, 1)], /does not speak SOCKS5/],
  ]
  for (const [answers, expected] of refusals) {
    const play = asked('socks5://me:secret@proxy')
    const server = play.opened()
    for (const answer of answers) play.data(server, answer)
    const text = play
      .said()
      .join()
      .replace(line(1, 2, 'me', 6, 'secret'), '')
    t.regex(text, expected)
    t.regex(text, /close server,send client "HTTP\/1\.1 502 /)
    t.notRegex(text, /secret/)
  }
  const bare = asked('socks5://proxy')
  bare.data(bare.opened(), bytes(5, 2))
  t.regex(bare.said().join(), /wants a user name and a password/)
})

test('SOCKS4a has a name behind an address that is none', (t) => {
  const play = asked('socks4a://me@proxy', { serverTls: undefined as never })
  const server = play.opened()
  t.deepEqual(play.said().slice(1), [line(4, 1, 1, 187, 0, 0, 0, 1, 'me', 0, 'example.org', 0)])
  play.data(server, bytes(0, 90, 0, 0, 0, 0, 0, 0))
  t.deepEqual(play.said(), [line(GET)])
  const refused = asked('socks4a://proxy', {
    destination: { host: '192.0.2.7', port: 80, transport: 'tcp' },
    serverTls: undefined as never,
  })
  const other = refused.opened()
  t.deepEqual(refused.said().slice(1), [line(4, 1, 0, 80, 192, 0, 2, 7, 0)])
  play.data(other, '')
  refused.data(other, bytes(0, 91, 0, 0, 0, 0, 0, 0))
  t.regex(refused.said().join(), /502 .*has refused the connection/)
})

test('one proxy behind the other: each is asked for the next, the last for the server', (t) => {
  const play = asked('socks5://a,https://b:8443,http://c:3128')
  const server = play.opened()
  play.data(server, bytes(5, 0))
  t.is(play.said().at(-1), line(5, 1, 0, 3, 1, 'b', 0x20, 0xfb))
  play.data(server, bytes(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
  t.deepEqual(play.said(), ['secure hop b http/1.1'])
  play.reply('secureServer')
  t.deepEqual(play.said(), [line('CONNECT c:3128 HTTP/1.1\r\nHost: c:3128\r\n\r\n')])
  play.data(server, 'HTTP/1.1 200 OK\r\n\r\n')
  t.deepEqual(play.said(), [line('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')])
  play.data(server, 'HTTP/1.1 200 OK\r\n\r\n')
  t.deepEqual(play.said(), ['secure server example.org http/1.1'])
})

test('an idle connection of the same way is ready as it is', (t) => {
  const play = asked('socks5://proxy')
  play.opened(true)
  t.deepEqual(play.said().slice(1), [line(GET)])
})

test('bytes behind the answer of a proxy are the server’s, and none may come before TLS', (t) => {
  const raw = new Playbook('raw', { entrance: { via: parseVia('http://proxy') } })
  raw.data(raw.opened(), 'HTTP/1.1 200 OK\r\n\r\n220 hello\r\n')
  t.is(raw.said().at(-1), `send client ${sent('220 hello\r\n')}`)
  const tls = asked('http://proxy')
  tls.data(tls.opened(), 'HTTP/1.1 200 OK\r\n\r\n220 hello\r\n')
  t.regex(tls.said().join(), /502 .*speaks before the TLS handshake/)
})

test('a hook says the way of a flow, and of all that is in a tunnel', (t) => {
  const flow = new Playbook('http1', {
    hooks: {
      requestheaders: (one: HttpFlow) => {
        one.via = 'socks5://other'
      },
    },
    entrance: { via: parseVia('http://proxy') },
  })
  flow.data(flow.client, GET)
  t.deepEqual(flow.said(), ['open tcp 192.0.2.1:80 pooled via socks5://other:1080'])
  const direct = new Playbook('http1', {
    hooks: {
      request: (one: HttpFlow) => {
        one.via = 'direct'
      },
    },
    entrance: { via: parseVia('http://proxy') },
  })
  direct.data(direct.client, GET)
  t.deepEqual(direct.said(), ['open tcp 192.0.2.1:80 pooled'])
  const tunnel = new Playbook('http-proxy', {
    mode: 'regular',
    hooks: {
      http_connect: (one: HttpFlow) => {
        one.via = 'socks5://other'
      },
    },
  })
  tunnel.data(tunnel.client, 'CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n')
  t.deepEqual(tunnel.said(), ['open tcp example.org:80 via socks5://other:1080'])
  tunnel.context.server = undefined
})

test('a way that was given for another is not taken: a kept connection stays with its own', (t) => {
  let via = 'socks5://one'
  const play = new Playbook('http1', {
    hooks: {
      requestheaders: (flow: HttpFlow) => {
        flow.via = via
      },
    },
  })
  play.data(play.client, GET)
  play.data(play.opened(true), OK)
  play.said()
  via = 'socks5://two'
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['release server', 'open tcp 192.0.2.1:80 pooled via socks5://two:1080'])
})
