// Raw flows: bytes and datagrams both ways, ends, losses, hooks.
import test from 'ava'
import type { TcpFlow, UdpFlow } from '../../src/flow/messages.js'
import { Playbook } from '../support/playbook.js'

const hooks = {
  tcp_start() {},
  tcp_message() {},
  tcp_end() {},
  tcp_error() {},
  udp_start() {},
  udp_message() {},
  udp_end() {},
  udp_error() {},
}

test('bytes pass both ways, and a half-close passes as one', (t) => {
  const play = new Playbook('raw', { connected: true, hooks })
  const [server] = play.servers
  if (!server) return t.fail()
  play.data(play.client, 'hello')
  t.deepEqual(play.said(), ['send server "hello"'])
  play.end(play.client)
  t.deepEqual(play.said(), ['end server'])
  play.data(server, 'still here')
  t.deepEqual(play.said(), ['send client "still here"'])
  play.end(server)
  t.deepEqual(play.said(), ['end client', 'close server', 'close client'])
  t.deepEqual(play.hooks, ['tcp_start', 'tcp_message', 'tcp_message', 'tcp_end'])
  const [flow] = play.finished as TcpFlow[]
  t.deepEqual(
    flow?.messages.map(({ fromClient, content }) => [fromClient, content.toString()]),
    [
      [true, 'hello'],
      [false, 'still here'],
    ],
  )
  t.false(play.machine.busy)
})

test('a server that speaks first is heard before the client says anything', (t) => {
  const play = new Playbook('raw', { connected: true })
  const [server] = play.servers
  if (server) play.data(server, 'SSH-2.0-x\r\n')
  t.deepEqual(play.said(), ['send client "SSH-2.0-x\\r\\n"'])
})

test("what was not connected yet is connected, and a failure is the flow's", (t) => {
  const play = new Playbook('raw', { hooks })
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80'])
  play.openFailed('ECONNREFUSED', 'nobody there')
  t.deepEqual(play.said(), ['reset client'])
  t.deepEqual(play.hooks, ['tcp_start', 'tcp_error'])
  t.is(play.finished[0]?.error?.message, 'nobody there')
})

test('a message can be changed, dropped, or end the flow', (t) => {
  const play = new Playbook('raw', {
    connected: true,
    hooks: {
      tcp_message(flow) {
        if (!flow.last) return
        const text = flow.last.content.toString()
        if (text === 'kill') flow.kill()
        else flow.last.content = Buffer.from(text === 'drop' ? '' : text.toUpperCase())
      },
    },
  })
  play.data(play.client, 'hello').data(play.client, 'drop').data(play.client, 'more')
  t.deepEqual(play.said(), ['send server "HELLO"', 'send server "MORE"'])
  play.data(play.client, 'kill')
  t.deepEqual(play.said().slice(0, 2), ['reset client', 'reset server'])
  t.true(play.finished[0]?.killed)
  t.false(play.machine.busy)
})

test('the loss of one side resets the other, and says which it was', (t) => {
  for (const lost of ['client', 'server'] as const) {
    const play = new Playbook('raw', { connected: true, hooks })
    const [server] = play.servers
    if (!server) return t.fail()
    play.close(lost === 'client' ? play.client : server, `the ${lost} is lost`)
    t.is(play.finished[0]?.error?.message, `the ${lost} is lost`)
    t.true(play.said().includes(lost === 'client' ? 'reset server' : 'reset client'))
    t.is(play.hooks.at(-1), 'tcp_error')
    t.false(play.machine.busy)
  }
})

test('a side that resets after its end is named, too, and the other learns that nobody takes its data', (t) => {
  for (const lost of ['client', 'server'] as const) {
    const play = new Playbook('raw', { connected: true, hooks })
    const [server] = play.servers
    if (!server) return t.fail()
    const side = lost === 'client' ? play.client : server
    play
      .end(side)
      .close(side, `the ${lost} is lost`)
      .data(lost === 'client' ? server : play.client, 'more')
    t.is(play.finished[0]?.error?.message, `the ${lost} is lost`)
    t.true(play.said().includes(lost === 'client' ? 'reset server' : 'reset client'))
    t.is(play.hooks.at(-1), 'tcp_error')
    t.false(play.machine.busy)
  }
})

test('a side that is full holds the other back, and no other', (t) => {
  const play = new Playbook('raw', { connected: true })
  const [server] = play.servers
  if (!server) return t.fail()
  server.full = true
  play.data(play.client, 'a').data(play.client, Buffer.alloc(70_000))
  t.deepEqual(play.said(), ['send server "a"', 'pause client'])
  play.data(server, 'b')
  t.deepEqual(play.said(), ['send client "b"'])
  play.drain(server)
  t.deepEqual(
    play.said().map((line) => line.slice(0, 13)),
    ['send server "', 'resume client'],
  )
})

test('UDP: a hook that does not answer stops the reading of its own side, by bytes and by number, and no other', (t) => {
  for (const from of ['client', 'server'] as const) {
    for (const [size, most] of [
      [1_000, 66],
      [0, 1_024],
    ] as const) {
      const play = new Playbook('raw', { connected: true, transport: 'udp', hooks: 'wait' })
      play.reply('hook')
      const [server] = play.servers
      if (!server) return t.fail()
      const [slow, other] = from === 'client' ? [play.client, server] : [server, play.client]
      // The first is in the hook, and does not wait in the channel.
      for (let count = 0; count < most; count += 1) play.data(slow, Buffer.alloc(size))
      t.deepEqual(play.said(), [], 'not yet')
      play.data(slow, Buffer.alloc(size))
      t.deepEqual(play.said(), [`pause ${from}`])
      t.is(slow.chunks.length, most)
      t.false(other.paused)
    }
  }
})

test('what is recorded is capped, what passes is not', (t) => {
  const play = new Playbook('raw', { connected: true, options: { body_record_limit: 10 } })
  for (let index = 0; index < 4; index += 1) play.data(play.client, 'sixsix')
  t.is(play.said().length, 4)
  play.end(play.client)
  if (play.servers[0]) play.end(play.servers[0])
  const [flow] = play.finished as TcpFlow[]
  t.is(flow?.messages.length, 2)
  t.true(flow?.truncated)
  t.is(flow?.bytesFromClient, 24)
})

test('a small message does not keep the large buffer that it came in, and one that is not recorded is no copy', (t) => {
  const play = new Playbook('raw', { connected: true, options: { body_record_limit: 10 }, hooks })
  const slab = Buffer.alloc(64 * 1024, 'x')
  play.data(play.client, slab.subarray(0, 10))
  play.data(play.client, slab.subarray(10, 20))
  play.end(play.client)
  if (play.servers[0]) play.end(play.servers[0])
  const [flow] = play.finished as TcpFlow[]
  t.is(`${flow?.messages[0]?.content}`, 'xxxxxxxxxx')
  t.not(flow?.messages[0]?.content.buffer, slab.buffer)
  t.is(flow?.last?.content.buffer, slab.buffer)
})

test('kill() ends a connection at once, whatever it waits for', (t) => {
  let flow: TcpFlow | undefined
  const play = new Playbook('raw', {
    connected: true,
    hooks: {
      tcp_start: (one) => {
        flow = one
      },
      tcp_error() {},
    },
  })
  play.data(play.client, 'x').said()
  flow?.kill()
  t.deepEqual(play.said(), ['reset server', 'reset client'])
  t.is(play.finished[0]?.error?.message, 'killed')
  t.false(play.machine.busy)
})

test("kill('close') ends both sides in order, from outside and in a hook", (t) => {
  const flows: TcpFlow[] = []
  const play = new Playbook('raw', { connected: true, hooks: { tcp_start: (flow) => void flows.push(flow) } })
  play.data(play.client, 'x').said()
  flows[0]?.kill('close')
  t.deepEqual(play.said(), ['close server', 'close client'])
  t.true(play.finished[0]?.killed)
  const within = new Playbook('raw', { connected: true, hooks: { tcp_message: (one) => one.kill('close') } })
  within.data(within.client, 'x')
  t.deepEqual(within.said().slice(0, 2), ['close client', 'close server'])
})

test('silence both ways ends a connection, silence one way does not', (t) => {
  const play = new Playbook('raw', { connected: true, options: { tcp_timeout: 10 } })
  const [server] = play.servers
  if (!server) return t.fail()
  play.after(6_000).data(server, 'x').after(6_000)
  t.true(play.machine.busy)
  play.after(12_000)
  t.false(play.machine.busy)
  t.true(play.said().includes('close client'))
})

test('an ignored connection passes without hooks and without a flow', (t) => {
  const play = new Playbook('ignore', { connected: true, hooks })
  play.data(play.client, 'secret')
  t.deepEqual(play.said(), ['splice client server', 'send server "secret"'])
  play.end(play.client)
  if (play.servers[0]) play.end(play.servers[0])
  t.deepEqual(play.hooks, [])
  t.deepEqual(play.finished, [])
})

test('what has come before an ignored connection is spliced goes first; ends and losses pass as ever', (t) => {
  const play = new Playbook('ignore', { hooks })
  play.data(play.client, 'a').data(play.client, 'b')
  const server = play.opened()
  t.deepEqual(play.said().slice(-3), ['send server "a"', 'send server "b"', 'splice client server'])
  play.end(server)
  t.deepEqual(play.said(), ['end client'])
  play.close(play.client, 'ECONNRESET')
  t.deepEqual([...new Set(play.said())].sort(), ['reset client', 'reset server'])
})

test('data that passes below the layers keeps an ignored connection alive', (t) => {
  const play = new Playbook('ignore', { connected: true, options: { tcp_timeout: 10 } })
  play.after(9_000)
  play.machine.progress()
  play.after(9_000)
  t.deepEqual(play.said(), ['splice client server'])
  play.after(1_000)
  t.true(play.said().includes('close client'))
})

test('an empty datagram is a datagram, both ways', (t) => {
  const play = new Playbook('raw', { connected: true, transport: 'udp', hooks })
  const [server] = play.servers
  if (!server) return t.fail()
  const slab = Buffer.alloc(64 * 1024)
  play.data(play.client, slab.subarray(0, 0)).data(server, '').data(play.client, 'a').data(play.client, '')
  t.deepEqual(play.said(), ['send server ""', 'send client ""', 'send server "a"', 'send server ""'])
  play.close(play.client)
  t.is(play.hooks.filter((name) => name === 'udp_message').length, 4)
  const [flow] = play.finished as UdpFlow[]
  t.deepEqual(
    flow?.messages.map(({ fromClient, content }) => [fromClient, content.toString()]),
    [
      [true, ''],
      [false, ''],
      [true, 'a'],
      [true, ''],
    ],
  )
  t.false(flow?.truncated)
})

test('a hook may fill an empty datagram, and what it empties goes no further, empty as it may have come', (t) => {
  const play = new Playbook('raw', {
    connected: true,
    transport: 'udp',
    hooks: {
      udp_message({ last, messages }) {
        if (!last || messages.length === 1) return
        last.content = Buffer.from(messages.length === 2 ? 'filled' : '')
      },
    },
  })
  play.data(play.client, '').data(play.client, '').data(play.client, '').data(play.client, 'text')
  t.deepEqual(play.said(), ['send server ""', 'send server "filled"'])
})

test('datagrams stay whole', (t) => {
  const play = new Playbook('raw', { connected: true, transport: 'udp', hooks })
  play.data(play.client, 'one').data(play.client, 'two')
  t.deepEqual(play.said(), ['send server "one"', 'send server "two"'])
  play.close(play.client)
  t.deepEqual(play.hooks, ['udp_start', 'udp_message', 'udp_message', 'udp_end'])
})

test('what the user sends in the name of a side runs the hook and goes to the other side', (t) => {
  const seen: [boolean, string][] = []
  const play = new Playbook('raw', {
    connected: true,
    hooks: {
      tcp_start: (flow) => flow.inject('client', 'a greeting'),
      tcp_message({ last }) {
        if (!last) return
        seen.push([last.fromClient, last.content.toString()])
        if (last.content.toString() === 'drop') last.content = Buffer.alloc(0)
      },
      tcp_end: (flow) => flow.inject('client', 'too late'),
    },
  })
  const [server] = play.servers
  play.data(play.client, 'hello')
  const flow = play.context.scope.subject as TcpFlow
  flow.inject('server', 'from us')
  flow.inject('client', 'to the client')
  flow.inject('client', 'drop')
  t.deepEqual(play.said().slice(-3), ['send server "hello"', 'send server "from us"', 'send client "to the client"'])
  t.deepEqual(seen.slice(-3), [
    [true, 'from us'],
    [false, 'to the client'],
    [false, 'drop'],
  ])
  if (server) play.end(server).end(play.client)
  t.notRegex(play.said().join(), /too late/)
  t.false(play.machine.busy)
})

test('of messages of the user that wait, there is a bound', (t) => {
  const play = new Playbook('raw', { connected: true })
  const flow = play.context.scope.subject as TcpFlow
  play.client.full = true
  for (let count = 0; count < 1_100; count++) flow.inject('client', 'x')
  t.is(play.said().length, 1_000)
  play.drain(play.client)
  flow.inject('client', 'again')
  t.deepEqual(play.said(), ['send client "again"'])
})
