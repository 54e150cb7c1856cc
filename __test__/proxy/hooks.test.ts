// Every hook at its time, with its flow as it is then.
import test from 'ava'
import type { HttpFlow } from '../../src/index.js'
import { noting } from '../support/noting.js'
import { get, ok, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { dial, freePort, listen } from '../support/talk.js'

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
    // rustls refuses the certificate, and OpenSSL has the last word.
    ...['server_disconnected', 'server_connect', 'server_connected'],
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
