// Every hook at its time, with its flow as it is then; and all that an addon may do to a flow.
import { createServer as createTlsServer } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { type Addon, type Flow, type HookName, HttpFlow, HttpResponse, TcpFlow } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import { get, ok, startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, dial, freePort, listen, Talk } from '../support/talk.js'

const HOOKS = [
  ...['client_connected', 'client_disconnected', 'server_connect', 'server_connected', 'server_connect_error'],
  ...['server_disconnected', 'tls_clienthello', 'tls_established_client', 'tls_established_server'],
  ...['tls_failed_client', 'tls_failed_server', 'http_connect', 'requestheaders', 'request', 'responseheaders'],
  ...['response', 'error', 'tcp_start', 'tcp_message', 'tcp_end', 'tcp_error'],
] as HookName[]

/** What a flow has at a hook, in one line. */
function stateOf(subject: unknown): string {
  if (subject instanceof HttpFlow) {
    const { request, response, error, live } = subject
    const answer = response ? ` -> ${response.status} ${response.content}` : ''
    const place = request.method === 'CONNECT' ? '' : request.path
    return ` ${request.method} ${place} ${request.content}${answer}${error ? ' !' : ''}${live ? '' : ' over'}`
  }
  if (subject instanceof TcpFlow)
    return ` ${subject.messages.length} ${subject.last?.content ?? ''}${subject.error ? '!' : ''}`
  return ''
}

/** Notes every hook by its name and what it is given. */
function noting(): {
  addon: Addon
  noted: string[]
  subjects: Map<HookName, unknown>
  seen(name: HookName): Promise<void>
} {
  const noted: string[] = []
  const subjects = new Map<HookName, unknown>()
  const waiting: [HookName, () => void][] = []
  const addon = Object.fromEntries(
    HOOKS.map((name) => [
      name,
      (subject: unknown) => {
        noted.push(`${name}${stateOf(subject)}`.replace(/ +/g, ' ').trim())
        subjects.set(name, subject)
        for (const [awaited, settle] of waiting) if (awaited === name) settle()
      },
    ]),
  )
  const seen = (name: HookName) =>
    new Promise<void>((settle) => {
      if (subjects.has(name)) settle()
      else waiting.push([name, settle])
    })
  return { addon, noted, subjects, seen }
}

const POST = (target: string) => `POST ${target} HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 4\r\n\r\nbody`

test('HTTP: every hook once, in order, with what is known by then', async (t) => {
  const { addon, noted, subjects, seen } = noting()
  const running = await startProxy(t, { addons: [addon] })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(POST(`http://127.0.0.1:${upstream.port}/path`))
  const server = await upstream.talk(0)
  await server.hears('body')
  server.says(ok('answer').replace('OK\r\n', 'OK\r\nConnection: close\r\n'))
  await client.hears('answer')
  await client.hearsAll()
  client.socket.end()
  await seen('client_disconnected')
  t.deepEqual(noted, [
    'client_connected',
    'requestheaders POST /path',
    'request POST /path body',
    'server_connect',
    'server_connected',
    'responseheaders POST /path body -> 200',
    'response POST /path body -> 200 answer',
    'server_disconnected',
    'client_disconnected',
  ])
  const flow = subjects.get('response') as HttpFlow
  t.true(flow === running.flows[0])
  t.true(flow === subjects.get('requestheaders'))
  t.false(flow.live)
  t.is(flow.client.remote.port, client.socket.localPort ?? 0)
  t.is(flow.server?.remote?.port, upstream.port)
  t.true(flow.client === subjects.get('client_disconnected'))
  for (const leg of [flow.client, flow.server]) t.true((leg?.closedAt ?? 0) >= (leg?.openedAt ?? Number.NaN))
})

/** A TLS server that answers every request. */
async function tlsServer(t: ExecutionContext): Promise<number> {
  const made = certificate({ names: ['upstream.test'] })
  const server = createTlsServer({ cert: made.pem, key: made.keyPem, ALPNProtocols: ['http/1.1'] }, (socket) => {
    const talk = new Talk(socket)
    socket.on('data', () => talk.says(ok('answer')))
    t.teardown(() => socket.destroy())
  })
  return bind(t, server)
}

test('HTTPS: CONNECT, both handshakes, and the request inside', async (t) => {
  const { addon, noted, subjects, seen } = noting()
  const running = await startProxy(t, { addons: [addon] })
  const port = await tlsServer(t)
  const client = await tlsTunnel(t, running, port)
  client.says('GET /inside HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  await client.hears('answer')
  client.socket.end()
  await seen('client_disconnected')
  t.deepEqual(noted, [
    'client_connected',
    'http_connect CONNECT',
    'server_connect',
    'server_connected',
    'tls_clienthello',
    'tls_established_server',
    'tls_established_client',
    'requestheaders GET /inside',
    'request GET /inside',
    'responseheaders GET /inside -> 200',
    'response GET /inside -> 200 answer',
    'client_disconnected',
  ])
  const flow = subjects.get('response') as HttpFlow
  t.is(flow.request.url, `https://upstream.test:${port}/inside`)
  for (const leg of [flow.client, flow.server]) {
    t.is(leg?.tls?.sni, 'upstream.test')
    t.is(leg?.tls?.alpn, 'http/1.1')
    t.is(leg?.tls?.version, 'TLSv1.3')
    t.truthy(leg?.tls?.establishedAt)
  }
  t.regex(flow.client.tls?.ja4 ?? '', /^t13d/)
  t.is(flow.server?.tls?.certificates?.length, 1)
})

test('TLS that fails on the way to the server: the hook, and no server left without its end', async (t) => {
  const { addon, noted, subjects, seen } = noting()
  const running = await startProxy(t, { addons: [addon], options: { ssl_insecure: false } })
  const client = await tlsTunnel(t, running, await tlsServer(t))
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  t.regex(await client.hears('\r\n'), /^HTTP\/1\.1 502 /)
  client.socket.end()
  await seen('client_disconnected')
  const { error } = subjects.get('tls_failed_server') as { error: string }
  t.regex(error, /self-signed/)
  t.deepEqual(noted, [
    'client_connected',
    'http_connect CONNECT',
    'server_connect',
    'server_connected',
    'tls_clienthello',
    'tls_failed_server',
    'server_disconnected',
    'tls_established_client',
    'requestheaders GET /',
    'request GET /',
    'error GET / !',
    'client_disconnected',
  ])
})

test('a server that cannot be reached', async (t) => {
  const { addon, noted, seen } = noting()
  const running = await startProxy(t, { addons: [addon] })
  const client = await dial(t, running.port)
  client.says(get(await freePort()))
  await client.hearsAll()
  client.socket.end()
  await seen('client_disconnected')
  t.deepEqual(noted, [
    'client_connected',
    'requestheaders GET /',
    'request GET /',
    'server_connect',
    'server_connect_error',
    'error GET / !',
    'client_disconnected',
  ])
})

test('raw TCP: start, each message, end', async (t) => {
  const { addon, noted, seen } = noting()
  const running = await startProxy(t, { addons: [addon] })
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0one')
  const server = await upstream.talk(0)
  await server.hears('one')
  server.says('two')
  await client.hears('two')
  client.socket.end()
  await server.hearsAll()
  server.socket.end()
  await seen('client_disconnected')
  t.deepEqual(noted, [
    'client_connected',
    'http_connect CONNECT',
    'server_connect',
    'server_connected',
    'tcp_start 0',
    'tcp_message 1 \0one',
    'tcp_message 2 two',
    'server_disconnected',
    'tcp_end 2 two',
    'client_disconnected',
  ])
})

test('raw TCP that is lost: error in place of end', async (t) => {
  const { addon, noted, seen } = noting()
  const running = await startProxy(t, { addons: [addon] })
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0one')
  const server = await upstream.talk(0)
  await server.hears('one')
  server.socket.resetAndDestroy()
  await client.gone()
  await seen('client_disconnected')
  t.deepEqual(noted.slice(4), [
    'tcp_start 0',
    'tcp_message 1 \0one',
    'server_disconnected',
    'tcp_error 1 \0one!',
    'client_disconnected',
  ])
})

test('an addon changes a request and its response: line, fields and body', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        request({ request }) {
          request.method = 'PUT'
          request.path = '/changed'
          request.headers.set('X-Added', 'yes')
          request.headers.delete('x-secret')
          request.text = 'longer than it was'
        },
        response(flow) {
          if (!flow.response) return
          flow.response.status = 201
          flow.response.reason = 'Made'
          flow.response.headers.append('X-Seen', flow.request.method)
          flow.response.text = `<${flow.response.text}>`
        },
      },
    ],
  })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(POST(`http://127.0.0.1:${upstream.port}/`).replace('Host', 'X-Secret: 1\r\nHost'))
  const server = await upstream.talk(0)
  t.is(
    await server.hears('it was'),
    'PUT /changed HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 18\r\nX-Added: yes\r\n\r\nlonger than it was',
  )
  server.says(ok('answer'))
  t.is(await client.hears('>'), 'HTTP/1.1 201 Made\r\nContent-Length: 8\r\nX-Seen: PUT\r\n\r\n<answer>')
})

test('an addon sends a request elsewhere', async (t) => {
  const upstream = await listen(t)
  const running = await startProxy(t, {
    addons: [
      {
        request({ request }) {
          request.url = `http://127.0.0.1:${upstream.port}/there?q`
        },
      },
    ],
  })
  const client = await dial(t, running.port)
  client.says('GET http://nowhere.invalid/here HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n')
  const server = await upstream.talk(0)
  t.regex(
    await server.hears('\r\n\r\n'),
    new RegExp(`^GET /there\\?q HTTP/1\\.1\r\nHost: 127\\.0\\.0\\.1:${upstream.port}\r`),
  )
  server.says(ok('redirected'))
  await client.hears('redirected')
})

for (const hook of ['requestheaders', 'request'] as const) {
  test(`an addon answers at ${hook}, and no server is asked`, async (t) => {
    const { addon, noted } = noting()
    const running = await startProxy(t, {
      addons: [
        addon,
        {
          [hook](flow: HttpFlow) {
            flow.response = new HttpResponse({ status: 418, headers: { 'X-By': 'addon' }, content: 'short and stout' })
          },
        },
      ],
    })
    const client = await dial(t, running.port)
    client.says(get(1, '/tea'))
    t.is(
      await client.hears('stout'),
      "HTTP/1.1 418 I'm a teapot\r\nX-By: addon\r\nContent-Length: 15\r\n\r\nshort and stout",
    )
    client.says(get(1, '/more'))
    await client.hears('stout')
    t.is(noted.filter((one) => one.startsWith('response ')).length, 2)
    t.false(noted.some((one) => /^(server|responseheaders|error)/.test(one)))
    t.is(running.flows[0]?.server, undefined)
  })
}

for (const hook of ['requestheaders', 'request', 'responseheaders', 'response'] as const) {
  test(`a flow that is killed at ${hook}: the client hears nothing of it, and error is its last hook`, async (t) => {
    const { addon, noted, seen } = noting()
    const running = await startProxy(t, { addons: [{ [hook]: (flow: Flow) => flow.kill() }, addon] })
    const upstream = await listen(t, (talk) => void talk.hears('\r\n\r\n').then(() => talk.says(ok('answer'))))
    const client = await dial(t, running.port)
    client.says(get(upstream.port))
    t.is((await client.gone())?.code, 'ECONNRESET')
    t.is(client.rest.length, 0)
    await seen('client_disconnected')
    t.is(
      noted
        .filter((one) => /^(error|response) /.test(one))
        .at(-1)
        ?.split(' ')[0],
      'error',
    )
    t.is(upstream.talks.length, hook.startsWith('request') ? 0 : 1)
    t.is(
      noted.some((one) => one.startsWith('request ')),
      hook !== 'requestheaders',
    )
    t.true(running.flows[0]?.killed)
  })
}

test('raw messages are changed, swallowed, and their flow is killed', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        tcp_message(flow) {
          if (!flow.last) return
          if (`${flow.last.content}` === 'secret') flow.last.content = Buffer.alloc(0)
          else if (`${flow.last.content}` === 'die') flow.kill()
          else flow.last.content = Buffer.from(`<${flow.last.content}>`)
        },
      },
    ],
  })
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0')
  const server = await upstream.talk(0)
  await server.hears('<\0>')
  server.says('secret')
  client.says('two')
  t.is(await server.hears('>'), '<two>')
  server.says('die')
  t.is((await client.gone())?.code, 'ECONNRESET')
  t.is((await server.gone())?.code, 'ECONNRESET')
  t.is(client.rest.length, 0)
  t.true((await running.flow('tcp')).killed)
})

test('server_connect can refuse a server, and http_connect a CONNECT', async (t) => {
  const upstream = await listen(t)
  const running = await startProxy(t, {
    addons: [
      {
        server_connect({ server }) {
          if (server.port === upstream.port) server.error = 'not there'
        },
        http_connect(flow) {
          if (flow.request.host === 'no.test') flow.response = new HttpResponse({ status: 403, content: 'not that' })
        },
      },
    ],
  })
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  t.regex(await client.hears('not there'), /^HTTP\/1\.1 502 /)
  const other = await dial(t, running.port)
  other.says('CONNECT no.test:443 HTTP/1.1\r\nHost: no.test\r\n\r\n')
  t.regex(await other.hearsAll(), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*not that$/)
  t.is(upstream.talks.length, 0)
})

test('tls_clienthello can let a connection pass as it is', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        tls_clienthello(hello) {
          hello.ignore = true
        },
      },
    ],
  })
  const client = await tlsTunnel(t, running, await tlsServer(t), { rejectUnauthorized: false })
  t.is(client.socket.getPeerX509Certificate()?.subjectAltName, 'DNS:upstream.test')
  t.not(client.socket.getPeerX509Certificate()?.issuer, running.proxy.authority.certificate.subject)
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  await client.hears('answer')
  client.socket.end()
  t.deepEqual(running.flows, [])
})
