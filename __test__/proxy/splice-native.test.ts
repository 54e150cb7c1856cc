// Connections of the addon that are spliced: it moves their bytes by itself, and what still rises is ends, losses and progress.
import { setTimeout as later } from 'node:timers/promises'
import test from 'ava'
import { connections } from '../../src/transports/connections/connections.js'
import { all, MIB, pattern, quiet, tied } from '../support/splice-ends.js'
import { Talk } from '../support/talk.js'

// One after the other: most of them wait for what the system has to do.
const run = connections() ? test.serial : test.skip

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
