// TLS as conversations: which handshake comes first, what is copied, and what a failure of either leads to.
import test from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import type { TlsStartServerHook } from '../../src/hooks.js'
import { OpenFailure } from '../../src/layers/commands.js'
import { routeKey } from '../../src/layers/route.js'
import { planServer } from '../../src/layers/tls/plan.js'
import { clientHello, protocols, serverName, u16, vector16 } from '../support/client-hellos.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const to = { host: '192.0.2.1', port: 443, transport: 'tcp' } as const
const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'

/** The conversations after the handshakes are HTTP/1's, unless a test asks for HTTP/2. */
const start = ({ options, ...rest }: PlaybookOptions = {}) =>
  new Playbook('tls', { destination: to, options: { http2: false, ...options }, ...rest })
const hello = clientHello({
  ciphers: [0xc02b],
  extensions: [
    [0, serverName('a.test')],
    [10, vector16(u16(23))],
    [16, protocols('h2', 'http/1.1')],
  ],
})

/** The alert decode_error, as the client gets it. */
const ALERT = `send client ${JSON.stringify('\x15\x03\x01\0\x02\x02\x32')}`

/** The driver's part: the client's handshake is over, and the layer sees plaintext. */
function secured(play: Playbook): void {
  play.client.takeAll()
  const { connection } = play.client
  connection.tls = { ...connection.tls, alpn: 'http/1.1', establishedAt: play.clock }
  play.reply('secureClient')
}

test('the server is offered what the client offers, and the client gets what the server has chosen', (t) => {
  for (const chosen of ['h2', 'http/1.1', undefined]) {
    const play = start({ connected: true, options: { http2: true } })
    play.data(play.client, hello).reply('open')
    t.deepEqual(play.said().at(-1), 'secure server a.test h2+http/1.1')
    const [server] = play.servers
    if (server) server.connection.tls = { alpn: chosen }
    play.reply('secureServer')
    t.deepEqual(play.said(), [`secure client a.test ${chosen ?? 'http/1.1'}`])
  }
})

test('where no server was asked, the client gets HTTP/2 if it offers it', (t) => {
  const lazy = start({ options: { http2: true, connection_strategy: 'lazy' } })
  lazy.data(lazy.client, hello)
  t.deepEqual(lazy.said(), ['secure client a.test h2'])
  const proxy = new Playbook('tls', { mode: 'regular' })
  proxy.data(proxy.client, hello)
  t.deepEqual(proxy.said(), ['secure client a.test http/1.1'], 'but not of midwire as its proxy')
})

test("the server's handshake comes first, and its ALPN is the client's; with http2=false h2 is offered to nobody", (t) => {
  const play = start({ connected: true, hooks: { tls_clienthello() {}, tls_established_client() {} } })
  play.data(play.client, hello)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:a.test:http/1.1 pooled-only'])
  play.reply('open')
  t.deepEqual(play.said(), ['secure server a.test http/1.1'])
  const [server] = play.servers
  if (server) server.connection.tls = { alpn: 'http/1.1' }
  play.reply('secureServer')
  t.deepEqual(play.said(), ['secure client a.test http/1.1'])
  secured(play)
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${JSON.stringify(GET)}`])
  t.deepEqual(play.hooks, ['tls_clienthello', 'tls_established_client'])
  t.is(play.client.connection.tls?.sni, 'a.test')
  t.regex(play.client.connection.tls?.ja4 ?? '', /^t1/)
})

test('a server that leaves between the connect and the ClientHello is dialled anew', (t) => {
  for (const leave of ['end', 'close'] as const) {
    const play = start({ connected: true, hooks: 'wait' })
    play.data(play.client, hello)
    const [server] = play.servers
    if (!server) return t.fail()
    play[leave](server)
    play.reply('hook')
    // That of tls_start_server.
    play.reply('hook')
    t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:443 tls:a.test:http/1.1 pooled-only'])
    play.reply('open')
    t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:a.test:http/1.1'])
  }
})

test('an idle connection to the same place spares the handshake', (t) => {
  const play = start({ connected: true })
  play.data(play.client, hello)
  play.said()
  const idle = play.opened()
  t.is(play.context.server, idle)
  t.deepEqual(play.said(), ['close server', 'secure client a.test http/1.1'])
})

test('with connection_strategy=lazy the client comes first, and the server when a request does', (t) => {
  const play = start({ options: { connection_strategy: 'lazy' } })
  play.data(play.client, hello)
  t.deepEqual(play.said(), ['secure client a.test http/1.1'])
  secured(play)
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:a.test:http/1.1 pooled'])
})

test('a server that was opened only to see whether it is there is not sent a request without TLS', (t) => {
  const hooks = { tls_established_client: ({ server }: { server: unknown }) => t.is(server, undefined) }
  const play = start({ connected: true, options: { upstream_cert: false }, hooks })
  play.data(play.client, hello)
  t.deepEqual(play.said(), ['close server', 'secure client a.test http/1.1'])
  t.is(play.context.server, undefined)
  secured(play)
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:a.test:http/1.1 pooled'])
})

test("a server whose certificate is not accepted is a 502 inside the client's TLS", (t) => {
  const play = start({ connected: true, hooks: { error() {} } })
  play.data(play.client, hello)
  play.reply('open')
  const [server] = play.servers
  if (!server) return t.fail()
  play.reply('secureServer', new OpenFailure(server.connection, 'CERT_HAS_EXPIRED', 'a.test: it has expired'))
  t.is(play.said().at(-1), 'secure client a.test http/1.1')
  secured(play)
  play.data(play.client, GET)
  t.regex(play.said().join(), /HTTP\/1\.1 502 .*it has expired/)
  t.is((play.finished[0] as HttpFlow).error?.message, 'a.test: it has expired')
})

test('a client that does not take our certificate is told of in the log and by a hook', (t) => {
  let error: string | undefined
  const play = start({
    options: { upstream_cert: false },
    hooks: {
      tls_failed_client(subject) {
        error = subject.error
      },
    },
  })
  play.data(play.client, hello)
  play.reply('secureClient', 'the client does not trust our certificate')
  t.is(error, 'the client does not trust our certificate')
  t.true(
    play.logs.some(({ level, message }) => level === 'warn' && /\(a\.test\): the client does not trust/.test(message)),
  )
  t.false(play.machine.busy)
})

test('the key of the certificate is what the client can do with; where nothing fits, the log says what is missing', (t) => {
  const client = (suite: number, groups: number[], options: PlaybookOptions['options'] = {}) => {
    const extensions = [[10, vector16(u16(...groups))]] as const
    const play = start({ options: { upstream_cert: false, ...options } })
    play.data(play.client, clientHello({ version: 0x0303, ciphers: [suite], extensions }))
    return play
  }
  t.deepEqual(client(0xc02b, [23]).said(), ['secure client'])
  t.deepEqual(client(0xc02f, [23]).said(), ['secure client   rsa2048'])
  t.deepEqual(client(0xc02b, [24]).said(), ['secure client   p384'])
  // With TLS 1.0 allowed nothing changes for a client of TLS 1.2.
  t.deepEqual(client(0xc02f, [23], { tls_version_client_min: 'TLS1' }).said(), ['secure client   rsa2048'])
  const play = client(0x0005, [23])
  t.deepEqual(play.said(), ['secure client'])
  play.reply('secureClient', 'the client offers no cipher that we have')
  const [{ level, message } = { level: '', message: '' }] = play.logs.slice(-1)
  t.is(level, 'warn')
  t.regex(message, /no cipher that we have: a cipher suite that midwire has is missing \(offered: 0x0005\)$/)
})

test('where the server has failed, what the client makes of our certificate is no second warning', (t) => {
  const play = start({ connected: true })
  play.data(play.client, hello)
  play.reply('open')
  const [server] = play.servers
  if (!server) return t.fail()
  play.reply('secureServer', new OpenFailure(server.connection, 'ERROR', 'a.test: what it answers is no TLS'))
  play.reply('secureClient', 'the client does not trust our certificate')
  t.deepEqual(
    play.logs.filter(({ level }) => level !== 'debug').map(({ message }) => message),
    ['a.test: what it answers is no TLS'],
  )
  t.true(play.logs.some(({ message }) => /\(a\.test\): the client does not trust/.test(message)))
})

test('a hook can let the connection pass as it is', (t) => {
  const play = start({
    connected: true,
    hooks: {
      tls_clienthello(subject) {
        subject.ignore = true
      },
    },
  })
  play.data(play.client, hello)
  t.deepEqual(play.said(), [`send server ${JSON.stringify(hello.toString('latin1'))}`, 'splice client server'])
  t.deepEqual(play.finished, [])
})

test('a ClientHello in pieces is waited for, for 30 s', (t) => {
  const play = start({ options: { upstream_cert: false } })
  for (const byte of hello) play.data(play.client, Buffer.from([byte]))
  t.deepEqual(play.said(), ['secure client a.test http/1.1'])

  const slow = start({ options: { upstream_cert: false } })
  slow.data(slow.client, hello.subarray(0, 20)).after(31_000)
  t.deepEqual(slow.said(), [ALERT, 'close client'])
  t.false(slow.machine.busy)

  const trickling = start({ options: { upstream_cert: false } })
  for (let seconds = 0; seconds < 4; seconds++) {
    t.deepEqual(trickling.said(), [], `${seconds * 9} s`)
    trickling.data(trickling.client, hello.subarray(seconds, seconds + 1)).after(9_000)
  }
  t.deepEqual(trickling.said(), [ALERT, 'close client'])
})

test('what only looks like TLS ends the connection with an alert, and says why', (t) => {
  const play = start()
  play.data(play.client, Buffer.from([0x16, 3, 1, 0, 4, 2, 0, 0, 0]))
  t.deepEqual(play.said(), [ALERT, 'close client'])
  t.true(play.logs.some(({ message }) => /not with a ClientHello/.test(message)))
})

test('tls_fail_open: a client that has refused our certificate passes undecrypted, as a flow that says why', (t) => {
  const options = { tls_fail_open: 'on' }
  const hooks = { tls_clienthello() {}, tcp_start() {} }
  const play = start({ connected: true, failsOpen: true, options, hooks })
  play.data(play.client, hello)
  t.deepEqual(play.asked, ['a.test:443'])
  t.deepEqual(play.hooks, ['tls_clienthello', 'tcp_start'])
  t.deepEqual(play.said(), [`send server ${JSON.stringify(hello.toString('latin1'))}`])
  const [server] = play.servers
  if (!server) return t.fail()
  play.data(server, 'hello to you').end(server).end(play.client)
  const [flow] = play.finished
  t.like(flow, { type: 'tcp', bytesFromServer: 12, metadata: { tls_fail_open: 'a.test' } })
  t.is(flow?.comment, 'not decrypted: the client does not trust our certificate for a.test (tls_fail_open)')
})

test('tls_fail_open: the hook comes first, and clients that have not refused are decrypted', (t) => {
  const options = { tls_fail_open: 'on', upstream_cert: false }
  const asks = start({ options })
  asks.data(asks.client, hello)
  t.deepEqual(asks.said(), ['secure client a.test http/1.1'])
  t.deepEqual(asks.asked, ['a.test:443'])
  const nameless = start({ options })
  nameless.data(nameless.client, clientHello({ ciphers: [0xc02b], extensions: [[10, vector16(u16(23))]] }))
  t.deepEqual(nameless.asked, ['192.0.2.1:443'])
  const hooks = { tls_clienthello: (subject: { ignore: boolean }) => Object.assign(subject, { ignore: true }) }
  const ignored = start({ connected: true, failsOpen: true, options, hooks })
  ignored.data(ignored.client, hello).end(ignored.client)
  ignored.end(ignored.servers[0] ?? ignored.client)
  t.deepEqual([ignored.asked, ignored.finished], [[], []])
})

test('tls_fail_open: nobody is passed on to a place without TLS, and nobody asks while it is off', (t) => {
  const options = { tls_fail_open: 'on', upstream_cert: false }
  for (const settings of [
    { options: { upstream_cert: false } },
    { options, entrance: { target: { protocol: 'http1', tls: false } } },
    { options, virtualResolver: true },
    { options, mode: 'regular', entrance: { destination: undefined } },
  ] as const) {
    const play = start({ failsOpen: true, ...settings })
    play.data(play.client, hello)
    t.deepEqual(play.asked, [])
  }
})

test('a client whose own TLS passes has no TLS of ours around it, where the mode does TLS with the server', (t) => {
  const serverTls = { sni: 'b.test', alpn: ['http/1.1'] }
  const target = { protocol: 'http1', tls: true } as const
  const options = { tls_fail_open: 'on' }
  const play = start({ connected: true, serverTls, failsOpen: true, options, entrance: { target } })
  play.data(play.client, hello)
  t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:443'])
  play.opened()
  t.deepEqual(play.said(), [`send server2 ${JSON.stringify(hello.toString('latin1'))}`])
})

test('tls_start_server is asked before the pool, once for a server; what it sets is in the route and in no other', (t) => {
  let asked = 0
  const hooks = {
    tls_start_server(plan: TlsStartServerHook) {
      asked += 1
      plan.sni = 'b.test'
      plan.alpn = []
      plan.certificate = { cert: 'cert', key: 'secret' }
    },
  }
  const play = start({ options: { connection_strategy: 'lazy' }, hooks })
  play.data(play.client, hello)
  t.deepEqual(play.context.serverTls?.set?.certificate, { cert: 'cert', key: 'secret' })
  secured(play)
  play.said()
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:443 tls:b.test: pooled'])
  t.is(asked, 1)
  const tls = play.context.serverTls
  if (!tls) return t.fail()
  const route = { to, via: [], tls }
  t.false(routeKey(route).includes('secret'))
  t.not(routeKey(route), routeKey({ ...route, tls: { sni: tls.sni, alpn: tls.alpn } }))
})

test('addons are asked about no more servers of one client than are kept, and a plan without a change is the same value', (t) => {
  const play = start({ hooks: { tls_start_server() {} } })
  const { context } = play
  for (let port = 1; port <= 2_500; port++) {
    const tls = { sni: undefined, alpn: [] }
    t.is(planServer(context, { ...to, port }, tls).next().value, tls as never)
  }
  t.true((context.plans?.size ?? 0) <= 1_001)
})
