// Connections of the addon that are spliced: it moves their bytes by itself, and what still rises is ends, losses and progress.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { loadAuthority } from '../../src/certs/authority.js'
import { CertificateStore } from '../../src/certs/store.js'
import { Channel } from '../../src/layers/channel.js'
import { Bindings } from '../../src/proxy/bindings.js'
import { connections } from '../../src/transports/connections/connections.js'
import type { ConnectionTransport } from '../../src/transports/connections/transport.js'
import { secureClient } from '../../src/transports/tls.js'
import { PLACE } from '../support/fake-transport.js'
import { bind, Talk } from '../support/talk.js'

const engine = connections()
// One after the other: most of them wait for what the system has to do.
const run = engine ? test.serial : test.skip

const confdir = mkdtempSync(join(tmpdir(), 'midwire-splice-'))
const store = new CertificateStore(await loadAuthority(confdir))
test.after.always(() => rmSync(confdir, { recursive: true }))

const MIB = 1 << 20

/** Bytes that tell where in a stream they stand. */
function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((at + seed) >>> 0, at)
  return bytes
}

/** A client and a server, and the two connections of the addon's that lead to them. */
async function ends(t: ExecutionContext, overTls = false) {
  if (!engine) throw new Error('no addon')
  let accept: (socket: Socket) => void = () => {}
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve
  })
  const port = await bind(t, createServer({ allowHalfOpen: true }, accept))
  let arrive: (transport: ConnectionTransport) => void = () => {}
  const arrived = new Promise<ConnectionTransport>((resolve) => {
    arrive = resolve
  })
  const listener = engine.listen('127.0.0.1', 0, arrive)
  t.teardown(() => listener.close())
  const near = { host: '127.0.0.1', port: listener.port, allowHalfOpen: true }
  const toServer = await engine.connect('127.0.0.1', port)
  const client = overTls ? connectTls({ ...near, servername: 'a.test', rejectUnauthorized: false }) : connectPlain(near)
  let toClient = await arrived
  if (overTls) {
    const native = store.native({ sni: 'a.test' }, undefined, false)
    if (!native) throw new Error('no context')
    const secured = once(client, 'secureConnect')
    const { pipe } = await secureClient(toClient, Buffer.alloc(0), { by: { native }, alpn: undefined })
    toClient = pipe as ConnectionTransport
    await secured
  } else await once(client, 'connect')
  const server = await accepted
  for (const socket of [client, server]) {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  t.teardown(() => {
    toClient.reset()
    toServer.reset()
  })
  return { client, server, toClient, toServer }
}

/** As `ends`, tied to channels; as a layer does, the end of one side ends the other. */
async function tied(t: ExecutionContext, overTls = false) {
  const all = await ends(t, overTls)
  const heard: string[] = []
  let look = () => {}
  const channels = { client: new Channel({ id: 'client', ...PLACE }), server: new Channel({ id: 'server', ...PLACE }) }
  const nameOf = (channel: unknown) => (channel === channels.client ? 'client' : 'server')
  const other = (channel: unknown) => (channel === channels.client ? channels.server : channels.client)
  const say = (text: string) => {
    if (heard.at(-1) !== text) heard.push(text)
    look()
  }
  const hooks = { onData: (_data: Buffer, _name: string) => {} }
  const bindings = new Bindings({
    handleData: (channel, data) => {
      say(`${nameOf(channel)} data`)
      hooks.onData(data, nameOf(channel))
      bindings.of(other(channel))?.write(data)
    },
    handleEnd: (channel) => {
      say(`${nameOf(channel)} end`)
      bindings.of(other(channel))?.end()
    },
    handleDrain: () => {},
    handleDropped: () => {},
    handlePassed: () => say('passed'),
    handleClose: (channel, error) => {
      channel.closed = true
      bindings.unbind(channel)
      say(`${nameOf(channel)} close ${error?.code}`)
    },
  })
  bindings.bind(channels.client, all.toClient)
  bindings.bind(channels.server, all.toServer)
  /** Bytes that Node itself has written since the splice. */
  const own = { written: 0 }
  const splice = async () => {
    bindings.splice(channels.client, channels.server)
    await null
    for (const one of [all.toClient, all.toServer]) {
      const { write } = one
      one.write = (data) => {
        own.written += data.length
        return write.call(one, data)
      }
    }
  }
  const hears = (text: string) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (heard.includes(text)) resolve()
      }
      look()
    })
  return { ...all, channels, bindings, heard, hears, own, splice, hooks }
}

/** All that a socket hears until its end; `slowly`: it stops after some pieces. */
async function all(socket: Socket, slowly = false): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    if (!slowly || pieces.length % 8 > 0) return
    socket.pause()
    setTimeout(() => socket.resume(), 1)
  })
  await once(socket, 'end')
  return Buffer.concat(pieces)
}

/** Waits until a number that grows has not done so for some turns, or is as large as `enough`. */
async function quiet(number: () => number, enough: number): Promise<void> {
  let before = 0
  let still = 0
  while (still < 20 && number() < enough) {
    await later(20)
    still = number() > before || before === 0 ? 0 : still + 1
    before = number()
  }
}

for (const overTls of [false, true]) {
  const over = overTls ? ', over TLS' : ''

  run(`bytes come whole and in order both ways, with a slow reader on either side${over}`, async (t) => {
    const { client, server, splice, own, heard } = await tied(t, overTls)
    await splice()
    const [up, down] = [pattern(8 * MIB + 3, 1), pattern(8 * MIB + 5, 2)]
    const [atServer, atClient] = [all(server, true), all(client, true)]
    client.end(up)
    server.end(down)
    t.true((await atServer).equals(up))
    t.true((await atClient).equals(down))
    t.is(own.written, 0)
    t.true(heard.includes('passed'))
  })

  run(`a half-close of the client passes, and the server answers after it${over}`, async (t) => {
    const { client, server, splice, heard, own, hears, toClient } = await tied(t, overTls)
    // Data and FIN are there together.
    toClient.pause()
    client.end('question')
    await later(50)
    await splice()
    t.is(`${await all(server)}`, 'question')
    t.deepEqual(heard, ['passed', 'client end'])
    server.end('answer')
    t.is(`${await all(client)}`, 'answer')
    await Promise.all([hears('client close undefined'), hears('server close undefined')])
    t.is(own.written, 0)
  })

  run(`a half-close of the server passes, and the client goes on${over}`, async (t) => {
    const { client, server, splice, heard, hears } = await tied(t, overTls)
    await splice()
    server.end('hello')
    t.is(`${await all(client)}`, 'hello')
    t.deepEqual(heard.slice(0, 2), ['passed', 'server end'])
    client.end('bye')
    t.is(`${await all(server)}`, 'bye')
    await Promise.all([hears('client close undefined'), hears('server close undefined')])
  })

  run(`more than a reader takes is not read, and comes when it reads again${over}`, async (t) => {
    const { client, server, toClient, splice } = await tied(t, overTls)
    let passed = 0
    const { handlePassed } = toClient
    toClient.handlePassed = (bytes) => {
      passed += bytes
      handlePassed.call(toClient, bytes)
    }
    await splice()
    const sent = pattern(96 * MIB, 3)
    client.end(sent)
    // Buffers of the two sockets between have some MiB each at most; the server reads nothing.
    await quiet(() => passed, 64 * MIB)
    t.true(passed > 0)
    t.true(passed < 64 * MIB, `${passed}`)
    t.true((await all(server)).equals(sent))
    t.is(passed, sent.length)
  })
}

for (const name of ['client', 'server'] as const) {
  run(`a reset of the ${name} rises behind what it has sent`, async (t) => {
    const all = await tied(t)
    await all.splice()
    const [one, other] = name === 'client' ? [all.client, all.server] : [all.server, all.client]
    const talk = new Talk(other)
    one.write('last words')
    await talk.hears('last words')
    one.resetAndDestroy()
    await all.hears(`${name} close ECONNRESET`)
    t.deepEqual(all.heard, ['passed', `${name} close ECONNRESET`])
    // The other side is Node's again.
    other.write('too late')
    await all.hears(`${name === 'client' ? 'server' : 'client'} data`)
    t.is(all.own.written, 0)
  })
}

run('each message is progress, however small', async (t) => {
  const { client, server, toClient, toServer, splice } = await tied(t)
  const passed: string[] = []
  toClient.handlePassed = (bytes) => passed.push(`up ${bytes}`)
  toServer.handlePassed = (bytes) => passed.push(`down ${bytes}`)
  await splice()
  const [up, down] = [new Talk(server), new Talk(client)]
  for (let round = 0; round < 2; round += 1) {
    client.write('ping!')
    await up.hears('ping!')
    server.write('pong')
    await down.hears('pong')
  }
  t.deepEqual(passed, ['up 5', 'down 4', 'up 5', 'down 4'])
})

run('what Node has got before keeps its place, also where more has risen in the same turn', async (t) => {
  const { client, server, hooks, bindings, channels } = await tied(t)
  const sent = pattern(4 * MIB, 4)
  let isSpliced = false
  let byNode = 0
  hooks.onData = (data) => {
    byNode += data.length
    if (isSpliced) return
    isSpliced = true
    // In the middle of what has risen; this piece is written after it.
    queueMicrotask(() => bindings.splice(channels.client, channels.server))
  }
  client.end(sent)
  t.true((await all(server)).equals(sent))
  t.true(byNode < sent.length)
})

run('what waits in a connection that was paused goes first', async (t) => {
  const { client, server, toClient, splice, channels } = await tied(t)
  client.write('first ')
  const rose = new Promise<void>((resolve) => {
    const { handleData } = toClient
    toClient.handleData = (data) => {
      // The layer pauses the connection while data is on its way to it.
      toClient.pause()
      channels.client.paused = true
      handleData.call(toClient, data)
      resolve()
    }
  })
  await rose
  await splice()
  client.end('second')
  t.is(`${await all(server)}`, 'first second')
})

run('what waits goes first also where the other side is full', async (t) => {
  const { client, server, toClient, toServer, hooks, bindings, channels } = await tied(t)
  const sent = pattern(4 * MIB, 6)
  const own = pattern(MIB / 2, 7)
  let first = 0
  toClient.pause()
  client.end(sent)
  await later(50)
  hooks.onData = (data) => {
    if (first > 0) return
    first = data.length
    toClient.pause()
    // The rest of what has risen waits in the connection then.
    queueMicrotask(() => {
      toServer.write(own)
      bindings.splice(channels.client, channels.server)
    })
  }
  toClient.resume()
  const heard = await all(server)
  t.true(heard.equals(Buffer.concat([sent.subarray(0, first), own, sent.subarray(first)])))
})

run('a receiver that comes before the end of the turn keeps the data', async (t) => {
  const { client, toClient, bindings, channels, own } = await tied(t)
  bindings.splice(channels.client, channels.server)
  const data = new Promise<Buffer>((resolve) => {
    toClient.receiver = { handleData: resolve, handleEnd() {}, handleDrain() {}, handleClose() {} }
  })
  client.write('for the new one')
  t.is(`${await data}`, 'for the new one')
  t.is(own.written, 0)
})

run('a new receiver gets the data again, whole and in order', async (t) => {
  const { client, server, toClient, toServer, splice } = await tied(t)
  await splice()
  const sent = pattern(16 * MIB, 5)
  const heard = all(server)
  let byNode = 0
  let passed = 0
  toClient.handlePassed = (bytes) => {
    passed += bytes
    if (passed < 2 * MIB || byNode > 0) return
    toClient.receiver = {
      handleData: (data) => {
        byNode += data.length
        toServer.write(data)
      },
      handleEnd: () => toServer.end(),
      handleDrain() {},
      handleClose() {},
    }
  }
  client.end(sent)
  t.true((await heard).equals(sent))
  t.true(passed >= 2 * MIB)
  t.true(byNode > 0)
  t.is(passed + byNode, sent.length)
})

run('the event loop has its turns while much passes', async (t) => {
  const pairs = await Promise.all(Array.from({ length: 16 }, () => tied(t)))
  let passed = 0
  let most = 0
  for (const { client, toClient, bindings, channels } of pairs) {
    toClient.pause()
    channels.client.paused = true
    client.write(Buffer.alloc(8 * MIB))
    toClient.handlePassed = (bytes) => {
      passed += bytes
    }
    t.teardown(() => bindings.unbind(channels.client))
  }
  // What the clients have said waits in the buffers of the system.
  await later(100)
  for (const { bindings, channels } of pairs) bindings.splice(channels.client, channels.server)
  let before = 0
  const turn = () => {
    most = Math.max(most, passed - before)
    before = passed
    watch = setImmediate(turn)
  }
  let watch = setImmediate(turn)
  await quiet(() => passed, 128 * MIB)
  clearImmediate(watch)
  t.true(passed > 24 * MIB, `${passed}`)
  // Twice the most of one turn: the addon may ring in a turn that has fetched already.
  t.true(most <= 11 * MIB, `${most}`)
})

run('connections to oneself, and those that are closed, stay with Node', async (t) => {
  const { client, server, toClient, toServer, bindings, channels, heard, hears } = await tied(t)
  bindings.splice(channels.client, channels.server)
  bindings.letGo(channels.server, 'close')
  channels.server.closed = true
  client.write('x')
  await hears('client data')
  t.deepEqual(heard, ['client data'])
  toClient.splice(toClient)
  toServer.close()
  server.end()
})
