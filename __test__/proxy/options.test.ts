// Options of a running proxy: what is changed counts for the connections that begin then, and those that run keep theirs.
import test, { type ExecutionContext } from 'ava'
import { type Addon, type GivenOptions, jsonSink, logSink, terminalSink } from '../../src/index.js'
import { get, ok, type Running, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { dial, type Listening, listen, type Talk } from '../support/talk.js'

const REQUEST = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

/** A server that answers every request with so many bytes. */
const answering = (t: ExecutionContext, length = 6): Promise<Listening> =>
  listen(t, async (talk) => {
    while (await talk.hears('\r\n\r\n').catch(() => undefined)) talk.says(ok('b'.repeat(length)))
  })

/** The status of a GET over a new TLS connection through the proxy, and the connection. */
async function secureGet(t: ExecutionContext, running: Running, port: number) {
  const talk = await tlsTunnel(t, running, port)
  return { talk, status: await again(talk) }
}

/** The status of one more GET. */
async function again(talk: Pick<Talk, 'says' | 'hears'>): Promise<number> {
  talk.says(REQUEST)
  const status = Number((await talk.hears('\r\n\r\n')).split(' ')[1])
  if (status === 200) await talk.hears('answer')
  return status
}

/** Ends a client, and waits until its server's connection has been let go of. */
async function leave(running: Running, talk: { readonly socket: { end(): unknown } }): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    const off = running.proxy.on('client_disconnected', () => {
      off()
      resolve()
    })
  })
  talk.socket.end()
  await gone
}

test('reading: one, all at once, and the definitions', async (t) => {
  const { proxy } = await startProxy(t, { options: { tcp_timeout: '60' } })
  t.is(proxy.options.get('tcp_timeout'), 60)
  t.is(proxy.options.snapshot.ssl_insecure, true)
  t.is(proxy.options.definitions.tcp_timeout?.type, 'integer')
  t.throws(() => proxy.options.get('tcp_timeuot'), { code: 'ERR_OPTION', message: /did you mean `tcp_timeout`/ })
})

test('what is read at the start is refused with a sentence', async (t) => {
  const { proxy } = await startProxy(t)
  for (const [name, value] of [
    ['listen_host', '127.0.0.2'],
    ['listen_port', 1],
    ['onboarding_host', 'other.test'],
  ] as const) {
    const message = `${name} is read when midwire starts: start it anew with the new value`
    t.throws(() => proxy.options.set(name, value), { code: 'ERR_OPTION', message })
  }
})

test('ssl_insecure: neither pooled connections nor TLS sessions of before are used; one that runs goes on', async (t) => {
  const running = await startProxy(t)
  const port = await tlsServer(t)
  const first = await secureGet(t, running, port)
  const second = await secureGet(t, running, port)
  t.deepEqual([first.status, second.status], [200, 200])
  // The first one's server connection lies in the pool from here on.
  await leave(running, first.talk)
  running.proxy.options.set({ ssl_insecure: false })
  t.is((await secureGet(t, running, port)).status, 502)
  t.is(await again(second.talk), 200)
  // That one's was made under the old value, and is not kept either.
  await leave(running, second.talk)
  t.is((await secureGet(t, running, port)).status, 502)
  running.proxy.options.set('ssl_insecure', true)
  t.is((await secureGet(t, running, port)).status, 200)
})

test('tls_version_server_min and tls_version_client_min count for the next handshakes', async (t) => {
  const running = await startProxy(t)
  const port = await tlsServer(t)
  const old = { maxVersion: 'TLSv1.2' } as const
  t.is((await tlsTunnel(t, running, port, old)).socket.getProtocol(), 'TLSv1.2')
  running.proxy.options.set({ tls_version_server_max: 'TLS1_2' })
  const { talk } = await secureGet(t, running, port)
  t.is(talk.socket.getProtocol(), 'TLSv1.3')
  t.is((await running.flow('http')).server?.tls?.version, 'TLSv1.2')
  running.proxy.options.set({ tls_version_client_min: 'TLS1_3' })
  await t.throwsAsync(tlsTunnel(t, running, port, old))
  t.is(await again(talk), 200)
})

test('an option that has nothing to do with TLS keeps the pool', async (t) => {
  const running = await startProxy(t)
  const upstream = await answering(t)
  for (const flow_detail of [1, 2]) {
    running.proxy.options.set({ flow_detail, tcp_timeout: 100 + flow_detail })
    const client = await dial(t, running.port)
    client.says(get(upstream.port))
    await client.hears('bbbbbb')
    await leave(running, client)
  }
  t.is(upstream.talks.length, 1)
})

test('ignore_hosts: the next connection passes unread, one that runs is still looked at', async (t) => {
  const running = await startProxy(t)
  const upstream = await answering(t)
  const plain = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${upstream.port}\r\n\r\n`
  const before = await tunnel(t, running, upstream.port, plain)
  await before.hears('bbbbbb')
  running.proxy.options.set({ ignore_hosts: `:${upstream.port}$` })
  const after = await tunnel(t, running, upstream.port, plain)
  await after.hears('bbbbbb')
  before.says(plain)
  await before.hears('bbbbbb')
  const gets = running.flows.filter((flow) => flow.type === 'http' && flow.request.method === 'GET')
  t.is(gets.length, 2)
})

test('tcp_timeout: a connection that begins now is closed, one from before is not', async (t) => {
  const running = await startProxy(t)
  const upstream = await answering(t)
  const before = await dial(t, running.port)
  before.says(get(upstream.port))
  await before.hears('bbbbbb')
  running.proxy.options.set('tcp_timeout', 1)
  const after = await dial(t, running.port)
  after.says(get(upstream.port))
  await after.hears('bbbbbb')
  t.is(await after.hearsAll(), '')
  t.false(before.ended)
  before.says(get(upstream.port))
  await before.hears('bbbbbb')
})

test('stream_large_bodies and body_size_limit count for the next connection', async (t) => {
  const streamed: (boolean | undefined)[] = []
  const addon: Addon = {
    response(flow) {
      if (flow.request.method === 'GET' && flow.response) flow.response.text = 'changed'
    },
  }
  const running = await startProxy(t, { addons: [addon] })
  const upstream = await answering(t, 100)
  const ask = async (talk?: Talk) => {
    const client = talk ?? (await dial(t, running.port))
    client.says(get(upstream.port))
    const head = await client.hears('\r\n\r\n')
    streamed.push(!head.includes('Content-Length: 7'))
    if (head.startsWith('HTTP/1.1 200')) await client.hears(streamed.at(-1) ? 'b'.repeat(100) : 'changed')
    return { client, head }
  }
  const { client } = await ask()
  running.proxy.options.set({ stream_large_bodies: 50 })
  await ask()
  await ask(client)
  t.deepEqual(streamed, [false, true, false])
  running.proxy.options.set({ body_size_limit: 50 })
  t.regex((await ask()).head, /^HTTP\/1\.1 502/)
  t.regex((await ask(client)).head, /^HTTP\/1\.1 200/)
})

test('onboarding can be switched off and on', async (t) => {
  const running = await startProxy(t)
  const ask = async () => {
    const client = await dial(t, running.port)
    client.says('GET http://mitm.it/ HTTP/1.1\r\nHost: mitm.it\r\n\r\n')
    return (await client.hears('\r\n')).split(' ')[1]
  }
  t.is(await ask(), '200')
  // Without the page the name would be looked up; this leads nowhere instead.
  const off = running.proxy.on('server_connect', ({ server }) => {
    server.error = 'nothing is dialled'
  })
  running.proxy.options.set({ onboarding: false })
  t.is(await ask(), '502')
  running.proxy.options.set({ onboarding: true })
  t.is(await ask(), '200')
  off()
})

test('what turns out to be wrong with a value changes nothing', async (t) => {
  let text = ''
  const { proxy } = await startProxy(t, { sinks: [terminalSink({ write: (more) => (text += more) })] })
  const before = proxy.options.snapshot
  const set = (values: GivenOptions) => () => proxy.options.set({ ...values, flow_detail: 3 })
  t.throws(set({ ssl_verify_upstream_trusted_ca: '/nowhere/ca.pem' }), { message: /trusted_ca: ENOENT/ })
  t.throws(set({ dns_name_servers: 'one' }), { message: /^dns_name_servers: "one" is no IP address/ })
  t.throws(set({ dumper_filter: '~d (' }), { code: 'ERR_FILTER' })
  t.is(proxy.options.snapshot, before)
})

test('outputs follow, each in what has changed; what they were made with stays otherwise', async (t) => {
  let [shown, json, log] = ['', '', '']
  const jsonLines = jsonSink({ write: (more) => (json += more) })
  const sinks = [
    terminalSink({ write: (more) => (shown += more) }, { flow_detail: 0, showhost: false }),
    jsonLines,
    logSink({ write: (more) => (log += more) }, { termlog_verbosity: 'error' }),
  ]
  const running = await startProxy(t, { sinks })
  jsonLines.ready({ listeners: [], peers: [] })
  const upstream = await answering(t)
  const ask = async (path: string) => {
    const client = await dial(t, running.port)
    client.says(get(upstream.port, path))
    await client.hears('bbbbbb')
    await leave(running, client)
  }
  await ask('/one')
  t.is(shown, '')
  running.proxy.options.set({ flow_detail: 2, dumper_filter: '~u /t', termlog_verbosity: 'debug' })
  await ask('/two')
  await ask('/three')
  await ask('/four')
  running.proxy.log('debug', 'a line')
  await running.proxy.close()
  t.regex(shown, /Content-Length: 6/)
  t.deepEqual(
    shown.match(/GET http\S+/g)?.map((url) => url.replace(/.*\//, '')),
    ['two', 'three'],
  )
  t.deepEqual(json.match(/"path":"[^"]*"/g), ['"path":"/one"', '"path":"/two"', '"path":"/three"'])
  t.regex(log, /a line\n$/)
})
