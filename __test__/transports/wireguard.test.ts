// The server as a user has it: requests, datagrams, peers, closing, and what it says when it is asked wrongly.

import dgram from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import {
  type ConnectionRequest,
  type Datagram,
  generatePrivateKey,
  type IcmpMessage,
  MidwireError,
  publicKey,
  startWireGuardServer,
  type WireGuardServerOptions,
} from '../../src/index.js'
import { all, CLIENT, failure, startPair } from '../support/pair.js'

const next = <T>() => {
  const waiting: ((value: T) => void)[] = []
  const early: T[] = []
  return {
    give: (value: T) => {
      const one = waiting.shift()
      if (one) one(value)
      else early.push(value)
    },
    take: () =>
      new Promise<T>((resolve) => {
        const value = early.shift()
        if (value === undefined) waiting.push(resolve)
        else resolve(value)
      }),
  }
}

test('keys', (t) => {
  const key = generatePrivateKey()
  t.regex(key, /^[A-Za-z0-9+/]{43}=$/)
  t.not(generatePrivateKey(), key)
  // RFC 7748, 6.1: Bob's pair.
  const bob = Buffer.from('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb', 'hex').toString('base64')
  const theirs = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'
  t.is(Buffer.from(publicKey(bob), 'base64').toString('hex'), theirs)
})

test('a request is answered as its owner says', async (t) => {
  const requests = next<ConnectionRequest>()
  const pair = await startPair({ onRequest: requests.give })
  const closed = pair.client.connect({ host: '192.0.2.1', port: 1 })
  const refusal = await requests.take()
  t.is(refusal.destination.port, 1)
  t.is(refusal.peer.name, 'client')
  const refused = failure(closed)
  refusal.refuse()
  t.is((await refused).code, 'ECONNREFUSED')
  t.throws(() => refusal.accept())

  const open = pair.client.connect({ host: '192.0.2.1', port: 2 })
  const request = await requests.take()
  t.true(open.connecting)
  const far = request.accept()
  // Before the handshake is over.
  far.end('server first')
  t.is(String(await all(open)), 'server first')

  const given = pair.client.connect({ host: '192.0.2.1', port: 3 })
  const late = await requests.take()
  given.on('error', () => {})
  given.destroy(new Error('changed my mind'))
  late.unreachable('host')
  await pair.close()
})

test('what ICMP says of our own connection is its error at once', async (t) => {
  const requests = next<ConnectionRequest>()
  const pair = await startPair({ onRequest: requests.give })
  for (const host of ['192.0.2.1', '2001:db8::1']) {
    for (const [reason, code] of [
      ['network', 'ENETUNREACH'],
      ['host', 'EHOSTUNREACH'],
      ['prohibited', 'EHOSTUNREACH'],
    ] as const) {
      const failed = failure(pair.client.connect({ host, port: 1 }))
      const request = await requests.take()
      request.unreachable(reason)
      t.is((await failed).code, code, `${host} ${reason}`)
    }
  }
  await pair.close()
})

test('datagrams both ways, of every size, also empty', async (t) => {
  const [up, down] = [next<Datagram>(), next<Datagram>()]
  const pair = await startPair({ onDatagram: up.give }, { onDatagram: down.give })
  const [near, far] = [
    { address: CLIENT, port: 5000 },
    { address: '192.0.2.53', port: 53 },
  ]
  for (const length of [0, 1, 1400, 4096, 60_000]) {
    const data = Buffer.alloc(length, length % 251)
    pair.client.sendDatagram(data, near, far)
    const asked = await up.take()
    t.deepEqual(
      [asked.source, asked.destination].map(({ address, port }) => ({ address, port })),
      [near, far],
    )
    t.true(asked.data.equals(data))
    asked.reply(data)
    const answer = await down.take()
    t.is(answer.source.port, 53)
    t.true(answer.data.equals(data))
    pair.server.sendDatagram(Buffer.from('by the way'), { address: '198.51.100.7', port: 7 }, near)
    const other = await down.take()
    t.is(other.source.address, '198.51.100.7')
  }
  await pair.close()
})

test('a refused datagram is a port unreachable', async (t) => {
  const messages = next<IcmpMessage>()
  // The client's own addresses are elsewhere, so that the error rises.
  const pair = await startPair({}, { onIcmp: messages.give, addresses: ['10.0.0.200'] })
  pair.client.sendDatagram(Buffer.from('?'), { address: CLIENT, port: 5000 }, { address: '192.0.2.53', port: 53 })
  const message = await messages.take()
  t.deepEqual([message.type, message.code], [3, 3])
  t.is(message.source.address, '192.0.2.53')
  await pair.close()
})

test('ICMP to others is the owner’s, echo to the tunnel’s own addresses is answered', async (t) => {
  const [seen, answers] = [next<IcmpMessage>(), next<IcmpMessage>()]
  const pair = await startPair({ onIcmp: seen.give }, { onIcmp: answers.give, addresses: ['10.0.0.200'] })
  const echo = Buffer.from([8, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4])
  pair.client.sendIcmp(echo, CLIENT, '10.0.0.53')
  const answer = await answers.take()
  t.deepEqual([answer.type, answer.source.address], [0, '10.0.0.53'])
  t.true(answer.data.subarray(4).equals(echo.subarray(4)))
  pair.client.sendIcmp(echo, CLIENT, '192.0.2.9')
  const other = await seen.take()
  t.is(other.type, 8)
  other.reply(Buffer.from([0, 0, ...other.data.subarray(2)]))
  t.is((await answers.take()).source.address, '192.0.2.9')
  await pair.close()
})

test('peers come and go while the server runs', async (t) => {
  const pair = await startPair()
  const { near, far } = await pair.connect()
  const [status] = pair.server.peers()
  t.is(status?.publicKey, pair.client.publicKey)
  t.is(status?.endpoint, `127.0.0.1:${pair.client.port}`)
  t.deepEqual(status?.allowedIps, ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'])
  t.true((status?.handshakeAge ?? 99) < 10)
  t.true((status?.receivedBytes ?? 0) > 0 && (status?.sentBytes ?? 0) > 0)

  const second = publicKey(generatePrivateKey())
  pair.server.addPeer({ publicKey: second, name: 'second' })
  t.deepEqual(pair.server.peers()[1]?.allowedIps, ['10.0.0.2/32', 'fd6d:6964:7769:7265::2/128'])
  t.throws(() => pair.server.addPeer({ publicKey: second }), { code: 'ERR_PEER_DUPLICATE' })
  t.true(pair.server.removePeer(second))
  t.false(pair.server.removePeer(second))
  pair.server.addPeer({ publicKey: second })

  const gone = failure(far)
  t.true(pair.server.removePeer(pair.client.publicKey))
  t.is((await gone).code, 'ECONNABORTED')
  near.on('error', () => {})
  await pair.close()
})

test('client texts', async (t) => {
  const server = await startWireGuardServer({ port: 0, host: '127.0.0.1', privateKey: generatePrivateKey() })
  const key = generatePrivateKey()
  t.throws(() => server.clientConfig({ privateKey: key }), { code: 'ERR_ARGUMENT' })
  server.addPeer({ publicKey: publicKey(key), keepalive: 25 })
  t.is(
    server.clientConfig({ privateKey: key }),
    [
      '[Interface]',
      `PrivateKey = ${key}`,
      'Address = 10.0.0.1/32, fd6d:6964:7769:7265::1/128',
      'DNS = 10.0.0.53, fd6d:6964:7769:7265::53',
      '',
      '[Peer]',
      `PublicKey = ${server.publicKey}`,
      'AllowedIPs = 0.0.0.0/0, ::/0',
      `Endpoint = 127.0.0.1:${server.port}`,
      'PersistentKeepalive = 25',
      '',
    ].join('\n'),
  )
  for (const [endpoint, shown] of [
    ['2001:db8::1', `[2001:db8::1]:${server.port}`],
    ['[2001:db8::1]:9', '[2001:db8::1]:9'],
    ['vpn.example.org', `vpn.example.org:${server.port}`],
    ['192.0.2.1:7', '192.0.2.1:7'],
  ] as const) {
    t.true(server.clientConfig({ privateKey: key, endpoint }).includes(`Endpoint = ${shown}\n`), endpoint)
  }
  t.throws(() => server.clientConfig({ privateKey: key, endpoint: 'a b' }), { code: 'ERR_ARGUMENT' })
  await server.close()
})

test('a client is told of an MTU that the server was told of, and chooses its own else', async (t) => {
  const key = generatePrivateKey()
  for (const [mtu, line] of [
    [undefined, undefined],
    [1280, 'MTU = 1280'],
    [1420, 'MTU = 1420'],
  ] as const) {
    const server = await startWireGuardServer({
      ...{ port: 0, host: '127.0.0.1', privateKey: generatePrivateKey(), peers: [{ publicKey: publicKey(key) }] },
      ...(mtu && { mtu }),
    })
    const lines = server.clientConfig({ privateKey: key }).split('\n')
    t.is(
      lines.find((one) => one.startsWith('MTU')),
      line,
    )
    await server.close()
  }
})

test('wrong arguments are refused before anything is opened, and say what is wrong', async (t) => {
  const key = generatePrivateKey()
  const peer = publicKey(generatePrivateKey())
  const wrong: [Partial<WireGuardServerOptions>, string][] = [
    [{ privateKey: 'short' }, 'ERR_KEY'],
    [{ privateKey: `${key.slice(0, -2)}B=` }, 'ERR_KEY'],
    [{ host: 'localhost' }, 'ERR_ADDRESS'],
    [{ host: ['127.0.0.1', '127.0.0.2'] }, 'ERR_ARGUMENT'],
    [{ port: 65_536 }, 'ERR_PORT'],
    [{ port: 1.5 }, 'ERR_PORT'],
    [{ mtu: 10 }, 'ERR_ARGUMENT'],
    [{ bufferSize: 1000 }, 'ERR_ARGUMENT'],
    [{ bufferSize: 17 << 20 }, 'ERR_ARGUMENT'],
    [{ bufferMemory: 1000 }, 'ERR_ARGUMENT'],
    [{ congestion: 'reno' as 'cubic' }, 'ERR_ARGUMENT'],
    [{ addresses: ['10.0.0.300'] }, 'ERR_ADDRESS'],
    [{ peers: [{ publicKey: 'x' }] }, 'ERR_KEY'],
    [{ peers: [{ publicKey: peer }, { publicKey: peer }] }, 'ERR_PEER_DUPLICATE'],
    [{ peers: [{ publicKey: peer, allowedIps: ['10.0.0.1/32', '10.0.0.1'] }] }, 'ERR_PEER_ADDRESSES'],
    [{ peers: [{ publicKey: peer, allowedIps: ['10.0.0.1/33'] }] }, 'ERR_ARGUMENT'],
    [{ peers: [{ publicKey: peer, keepalive: -1 }] }, 'ERR_ARGUMENT'],
    [{ peers: [{ publicKey: peer, endpoint: '192.0.2.1' }] }, 'ERR_ARGUMENT'],
    [{ peers: [{ publicKey: peer, presharedKey: 'y' }] }, 'ERR_KEY'],
    [{ logLevel: 'loud' as 'off' }, 'ERR_ARGUMENT'],
  ]
  for (const [options, code] of wrong) {
    const error = await t.throwsAsync(startWireGuardServer({ privateKey: key, port: 0, ...options }), {
      instanceOf: MidwireError,
    })
    t.is(error?.code, code as MidwireError['code'], JSON.stringify(options))
    t.false(error?.message.includes(key), 'a private key is never in a message')
  }
})

test('a busy port is named', async (t) => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const error = await t.throwsAsync(
    startWireGuardServer({ host: '127.0.0.1', port, privateKey: generatePrivateKey() }),
    { instanceOf: MidwireError },
  )
  t.is(error?.code, 'ERR_ADDRESS_IN_USE')
  t.true(error?.message.includes(`127.0.0.1:${port}`))
  socket.close()
})

test('a port that is closed is free at once, and both families share one', async (t) => {
  const first = await startWireGuardServer({ port: 0, privateKey: generatePrivateKey() })
  const { port } = first
  t.true(port > 0)
  const busy = dgram.createSocket('udp4')
  busy.bind(port)
  t.is((await once(busy, 'error'))[0].code, 'EADDRINUSE')
  await first.close()
  const second = await startWireGuardServer({ port, privateKey: generatePrivateKey() })
  t.is(second.port, port)
  await second.close()
})

test('a closed server says so', async (t) => {
  const pair = await startPair()
  const { far } = await pair.connect()
  const over = once(far, 'close')
  await pair.server.close()
  await over
  t.false(far.readableEnded, 'cut, not ended')
  await pair.server.closed
  await pair.server.close()
  t.throws(() => pair.server.peers(), { code: 'ERR_SERVER_CLOSED' })
  t.throws(() => pair.server.connect({ host: '10.0.0.1', port: 1 }), { code: 'ERR_SERVER_CLOSED' })
  await pair.client.close()
})

test('no route, wrong port, wrong address', async (t) => {
  const server = await startWireGuardServer({ host: '127.0.0.1', port: 0, privateKey: generatePrivateKey() })
  t.throws(() => server.connect({ host: '192.0.2.1', port: 80 }), { code: 'ERR_NO_ROUTE' })
  t.throws(() => server.connect({ host: '192.0.2.1', port: 0 }), { code: 'ERR_PORT' })
  t.throws(() => server.connect({ host: 'example.org', port: 80 }), { code: 'ERR_ADDRESS' })
  await server.close()
})

test('a panic in a call ends as an error of the call and of the server', async (t) => {
  const errors: MidwireError[] = []
  const server = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: generatePrivateKey(),
    onError: (error) => errors.push(error),
  })
  const wrong = t.throws(() => server.panicForTest('call'), { instanceOf: MidwireError })
  t.is(wrong?.code, 'ERR_NATIVE_PANIC')
  t.regex(wrong?.message ?? '', /panicked for a test/)
  await t.throwsAsync(server.closed, { code: 'ERR_NATIVE_PANIC' })
  t.is(errors.length, 1)
})

test('a panic in the task ends the server with an error, and its streams', async (t) => {
  const errors: MidwireError[] = []
  const pair = await startPair({ onError: (error) => errors.push(error) })
  const { near, far } = await pair.connect()
  near.on('error', () => {})
  const failed = failure(far)
  pair.server.panicForTest('task')
  t.is((await failed).code, 'ERR_NATIVE_PANIC')
  await t.throwsAsync(pair.server.closed, { code: 'ERR_NATIVE_PANIC' })
  t.is(errors.length, 1)
  await pair.client.close()
  // The process goes on, and so does the next server.
  const after = await startPair()
  await after.connect()
  await after.close()
})

test('the log reaches its hook', async (t) => {
  const lines: string[] = []
  const pair = await startPair({
    logLevel: 'debug',
    onLog: ({ level, target, message }) => lines.push(`${level} ${target} ${message}`),
  })
  await pair.connect()
  await pair.close()
  t.true(
    lines.some((line) => /^debug .*handshake/i.test(line)),
    lines.join('\n'),
  )
})
