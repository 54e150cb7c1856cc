// The ways in of a running proxy: modes with their state, clients of a tunnel, who trusts our certificate, addresses that are midwire's own.
import { once } from 'node:events'
import { connect } from 'node:tls'
import test from 'ava'
import { generatePrivateKey, type PeerInfo, publicKey } from '../../src/index.js'
import { Trust } from '../../src/proxy/trust.js'
import { until } from '../support/mode-context.js'
import { get, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { dial, freePort, listen } from '../support/talk.js'
import { clientOf } from '../support/tunnel-client.js'

test('modes are listed as they run, or with why they do not; one that has failed can be tried again', async (t) => {
  const running = await startProxy(t)
  const { proxy } = running
  const { port } = running
  const listener = { spec: 'regular@0', mode: 'regular', host: '127.0.0.1', port, transport: 'tcp', dropped: undefined }
  t.like(proxy.modes, [{ spec: 'regular@0', name: 'regular', state: 'running', error: undefined }])
  t.like(proxy.modes[0]?.listeners[0], { ...listener })
  const taken = await listen(t)
  await t.throwsAsync(proxy.addMode(`socks5@${taken.port}`), { code: 'ERR_ADDRESS_IN_USE' })
  t.deepEqual(
    proxy.modes.map(({ state, listeners }) => [state, listeners.length]),
    [
      ['running', 1],
      ['failed', 0],
    ],
  )
  t.regex(proxy.modes[1]?.error ?? '', /in use/)
  await t.throwsAsync(proxy.addMode(`socks5@${taken.port}`), { code: 'ERR_ADDRESS_IN_USE' })
  t.is(proxy.modes.length, 2)
  // The failure of another mode is not this one's.
  await proxy.addMode('socks5@0 via socks5://user:secret@127.0.0.1:1')
  const shown = proxy.modes[2]?.spec ?? ''
  t.false(shown.includes('secret'))
  t.true(await proxy.removeMode(shown))
  t.false(await proxy.removeMode(shown))
  await t.throwsAsync(proxy.addMode('nothing'), { code: 'ERR_MODE' })
  t.true(await proxy.removeMode('regular@0'))
  await t.throwsAsync(proxy.removeMode(`socks5@${taken.port}`), { code: 'ERR_MODE', message: /last mode/ })
  await t.throwsAsync(dial(t, port), { code: 'ECONNREFUSED' })
})

test('a mode that was refused runs once it can', async (t) => {
  const { proxy } = await startProxy(t)
  const port = await freePort()
  const other = await startProxy(t, { modes: [`regular@${port}`] })
  await t.throwsAsync(proxy.addMode(`regular@${port}`), { code: 'ERR_ADDRESS_IN_USE' })
  await other.proxy.close()
  await proxy.addMode(`regular@${port}`)
  t.is(proxy.modes[1]?.state, 'running')
  t.is(proxy.listeners[1]?.port, port)
})

test('clients of a tunnel are added and removed while it runs, and show what the tunnel has seen of them', async (t) => {
  const { proxy } = await startProxy(t, { modes: ['wireguard@127.0.0.1:0', 'regular@0'] })
  const [first] = proxy.peers
  t.like(first, { name: 'default', trusts: undefined })
  t.like(first?.traffic, { handshakeAt: undefined, receivedBytes: 0, sentBytes: 0, endpoint: undefined })
  const before = Date.now()
  const tablet: PeerInfo = await proxy.addPeer('tablet')
  t.like(tablet, { name: 'tablet', spec: 'wireguard@127.0.0.1:0' })
  t.true(tablet.traffic !== undefined)
  await t.throwsAsync(proxy.addPeer('tablet'), { code: 'ERR_WIREGUARD_CONF' })
  const key = publicKey(generatePrivateKey())
  t.like(await proxy.addPeer('laptop', { publicKey: key }), { publicKey: key, config: undefined })
  await t.throwsAsync(proxy.addPeer('x', { spec: 'regular@0' }), { code: 'ERR_ARGUMENT' })

  const client = await clientOf(tablet.config)
  t.teardown(() => client.close())
  const stream = client.connect({ host: '10.0.0.53', port: 80 })
  stream.on('error', () => {})
  stream.write('GET / HTTP/1.1\r\nHost: mitm.it\r\n\r\n')
  await once(stream, 'data')
  const seen = proxy.peers.find(({ name }) => name === 'tablet')?.traffic
  t.regex(seen?.endpoint ?? '', /^127\.0\.0\.1:\d+$/)
  t.true((seen?.receivedBytes ?? 0) > 0 && (seen?.sentBytes ?? 0) > 0)
  t.true((seen?.handshakeAt ?? 0) > before - 2000 && (seen?.handshakeAt ?? 0) <= Date.now())

  await proxy.removePeer('tablet')
  t.deepEqual(
    proxy.peers.map(({ name }) => name),
    ['default', 'laptop'],
  )
  await t.throwsAsync(proxy.removePeer('tablet'), { code: 'ERR_WIREGUARD_CONF' })
  await proxy.removeMode('wireguard@127.0.0.1:0')
  await t.throwsAsync(proxy.addPeer('late'), { code: 'ERR_ARGUMENT', message: /no WireGuard mode runs/ })
})

test('a client that refuses our certificate does not trust it; one that speaks over TLS does, from then on', async (t) => {
  const running = await startProxy(t)
  const { proxy } = running
  const port = await tlsServer(t)
  const refuse = async () => {
    const { socket } = await tunnel(t, running, port)
    socket.removeAllListeners('data')
    await once(connect({ socket, servername: 'upstream.test' }), 'error')
  }
  t.deepEqual(proxy.trust, [])
  await refuse()
  await until(() => proxy.trust.length > 0)
  t.like(proxy.trust, [{ client: '127.0.0.1', key: '127.0.0.1', trusts: false, name: 'upstream.test' }])
  const talk = await tlsTunnel(t, running, port)
  talk.says(get(port))
  await talk.hears('answer')
  t.like(proxy.trust, [{ client: '127.0.0.1', trusts: true }])
})

test('who trusts us is known by the key of a peer, and to a bound', (t) => {
  const trust = new Trust()
  const client = (address: string, key?: string) => ({
    ...({ id: 'x', transport: 'tcp', mode: 'regular', explicit: true } as const),
    remote: { address, port: 7, family: 4 } as const,
    local: { address, port: 7, family: 4 } as const,
    ...(key && { peer: { publicKey: key, name: 'phone' } }),
  })
  trust.trusted(client('10.0.0.1', 'KEY'))
  t.true(trust.of('KEY'))
  // A program that brings certificates of its own refuses ours, and the device trusts us still.
  trust.refused(client('10.0.0.1', 'KEY'))
  t.true(trust.of('KEY'))
  t.is(trust.of('10.0.0.1'), undefined)
  t.is(trust.list()[0]?.client, 'phone')
  for (let at = 0; at < 1001; at++) trust.refused(client(`192.0.2.${at}`))
  t.is(trust.list().length, 1000)
})

test('nobody reaches a protected address through the proxy, by whatever name', async (t) => {
  const running = await startProxy(t)
  const { proxy } = running
  const server = await listen(t, (talk) => talk.says('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret'))
  const ask = async (host: string) => {
    const talk = await dial(t, running.port)
    const where = `${host}:${server.port}`
    talk.says(`GET http://${where}/ HTTP/1.1\r\nHost: ${where}\r\nConnection: close\r\n\r\n`)
    return talk.hears('\r\n\r\n')
  }
  t.regex(await ask('127.0.0.1'), / 200 /)
  const stop = proxy.protect({ host: '127.0.0.1', port: server.port })
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '127.1', '2130706433']) {
    t.notRegex(await ask(host), / 200 /, host)
  }
  const talk = await dial(t, running.port)
  talk.says(`CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n`)
  t.notRegex(await talk.hears('\r\n\r\n'), / 200 OK/)
  stop()
  t.regex(await ask('127.0.0.1'), / 200 /)
})

test('an output that is added is told from then on, without secrets, until it is removed', async (t) => {
  const running = await startProxy(t, { options: { redact: ['?key'] } })
  const { proxy } = running
  const server = await listen(t, (talk) =>
    talk.says('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  )
  const ask = async (path: string, number: number) => {
    const talk = await dial(t, running.port)
    talk.says(get(server.port, path))
    await talk.hears('\r\n\r\n')
    await running.flow('http', number)
  }
  await ask('/one', 0)
  const heard: string[] = []
  let isAttached = false
  const remove = proxy.addSink({
    name: 'late',
    attached: ({ views }) => {
      isAttached = views === proxy.views
    },
    begun: (flow) => heard.push(`begun ${flow.type === 'http' && flow.request.path}`),
    flow: (flow) => heard.push(`over ${flow.type === 'http' && flow.request.path}`),
    log: ({ message }) => heard.push(message),
    close: () => void heard.push('closed'),
  })
  t.true(isAttached)
  await ask('/two?key=hunter2', 1)
  proxy.log('info', 'hello')
  remove()
  remove()
  await ask('/three', 2)
  const flows = heard.filter((line) => /^(begun|over|hello|closed)/.test(line))
  t.is(flows.length, 4)
  t.false(heard.join().includes('hunter2'))
  t.deepEqual(flows.slice(2), ['hello', 'closed'])
})
