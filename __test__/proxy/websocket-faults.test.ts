// What a peer may do to a WebSocket through a running proxy: bombs, endless messages, crumbs, ends of every kind, readers that do not read.
import { setTimeout } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Addon, MidwireOptions } from '../../src/index.js'
import { type Running, startProxy, tunnel } from '../support/proxy.js'
import { listen, type Talk } from '../support/talk.js'
import { closing, down, up } from '../support/websocket-play.js'

const MIB = 1024 ** 2

interface Ends {
  running: Running
  client: Talk
  server: Talk
}

const HANDSHAKE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

/** A WebSocket whose ends write each byte by hand. `agreed`: Sec-WebSocket-Extensions of both. */
async function opened(t: ExecutionContext, given: MidwireOptions = {}, agreed = ''): Promise<Ends> {
  const running = await startProxy(t, given)
  const upstream = await listen(t)
  const extensions = agreed && `Sec-WebSocket-Extensions: ${agreed}\r\n`
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const request = `GET / HTTP/1.1\r\nHost: x\r\n${HANDSHAKE}${key}${extensions}\r\n`
  const client = await tunnel(t, running, upstream.port, request)
  const server = await upstream.talk(0)
  await server.hears('\r\n\r\n')
  server.says(`HTTP/1.1 101 Switching Protocols\r\n${HANDSHAKE}${extensions}\r\n`)
  await client.hears('\r\n\r\n')
  client.socket.setNoDelay()
  return { running, client, server }
}

const watching: Addon = { websocket_message: () => undefined }

/** What this process holds: the proxy, and both ends of the test. */
function held(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** The code of the Close frame that is all that is left to hear. Frames to a server are masked. */
async function closeCode(talk: Talk, masked: boolean): Promise<number> {
  const frame = await talk.hearsOctets(masked ? 8 : 4)
  const code = frame.readUInt16BE(frame.length - 2)
  return masked ? code ^ frame.readUInt16BE(2) : code
}

test.serial('a bomb ends its sender with 1009, is not passed on, and costs little memory', async (t) => {
  const block = Buffer.alloc(16 * MIB)
  const bomb = deflateRawSync(Buffer.concat(Array.from({ length: 8 }, () => block)), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  const payload = bomb.subarray(0, -4)
  const { running, client, server } = await opened(t, { addons: [watching] }, 'permessage-deflate')
  const before = held()
  client.says(up({ rsv: 4, payload }))
  t.is(await closeCode(client, false), 1009)
  t.is(await closeCode(server, true), 1001)
  t.is((await server.hearsAll()).length, 0)
  client.socket.end()
  t.is((await running.flow('http')).error?.message, 'the client has sent a message of more than 64 MiB')
  t.true(held() - before < 100 * MIB, `${(held() - before) / MIB} MiB`)
})

test.serial('a message of more than 64 MiB is refused by its head, before its bytes', async (t) => {
  for (const addons of [[], [watching]]) {
    const { running, client, server } = await opened(t, { addons })
    server.says(down({ opcode: 2, length: BigInt(64 * MIB + 1) }))
    const heard = await server.hearsOctets(8)
    t.is(heard.readUInt16BE(6) ^ heard.readUInt16BE(2), 1009)
    t.is(await closeCode(client, false), 1001)
    server.socket.end()
    t.is((await running.flow('http')).websocket?.closeCode, 1009)
  }
})

test('frames in single bytes, both ways, are the frames that were sent', async (t) => {
  const { running, client, server } = await opened(t, { addons: [watching] })
  const asked = Buffer.concat([
    up({ fin: false, payload: 'κό' }),
    up({ opcode: 9, payload: '?' }),
    up({ opcode: 0, payload: 'σμε' }),
  ])
  const answered = Buffer.concat([down('x'.repeat(200)), down({ opcode: 10, payload: '?' }), down({ opcode: 2 })])
  const crumbs = async (talk: Talk, bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += 1) {
      talk.says(bytes.subarray(at, at + 1))
      // Each byte arrives by itself.
      await setTimeout(0)
    }
  }
  await Promise.all([crumbs(client, asked), crumbs(server, answered)])
  // The ping goes on at once, the message when it is whole.
  const ping = up({ opcode: 9, payload: '?' })
  const message = Buffer.concat([up({ fin: false, payload: 'κό' }), up({ opcode: 0, payload: 'σμε' })])
  t.deepEqual(await server.hearsOctets(asked.length), Buffer.concat([ping, message]))
  t.deepEqual(await client.hearsOctets(answered.length), answered)
  client.says(up({ opcode: 8, payload: closing(1000) }))
  server.says(down({ opcode: 8, payload: closing(1000) }))
  const { websocket } = await running.flow('http')
  t.deepEqual(websocket?.messages.map(({ text }) => text).sort(), ['', 'x'.repeat(200), 'κόσμε'])
})

for (const side of ['client', 'server'] as const) {
  test(`half-close: after the end of the ${side} the other one still speaks, and the flow has no error`, async (t) => {
    const { running, client, server } = await opened(t)
    const [one, other] = side === 'client' ? [client, server] : [server, client]
    one.says(side === 'client' ? up('last') : down('last'))
    one.socket.end()
    const said = side === 'client' ? up('last') : down('last')
    t.is(await other.hearsAll(), said.toString('latin1'))
    const answer = side === 'client' ? down('still here') : up('still here')
    other.says(answer)
    t.deepEqual(await one.hearsOctets(answer.length), answer)
    other.socket.end()
    t.is(await one.hearsAll(), '')
    const flow = await running.flow('http')
    t.is(flow.error, undefined)
    t.like(flow.websocket, { closeCode: 1006, messagesFromClient: 1, messagesFromServer: 1 })
  })

  test(`the ${side} is reset within a message: the other one is reset, and the flow says who was lost`, async (t) => {
    const { running, client, server } = await opened(t)
    const [one, other] = side === 'client' ? [client, server] : [server, client]
    const part = side === 'client' ? up({ fin: false, payload: 'be' }) : down({ fin: false, payload: 'be' })
    one.says(part)
    await other.hearsOctets(part.length)
    one.socket.resetAndDestroy()
    t.is((await other.gone())?.code, 'ECONNRESET')
    const flow = await running.flow('http')
    t.is(flow.error?.message, `the ${side} reset the connection (ECONNRESET)`)
    t.is(flow.websocket?.closeCode, 1006)
  })
}

test('websocket=false: bombs, wrong frames and half-closes pass as raw bytes', async (t) => {
  const { client, server, running } = await opened(
    t,
    { options: { websocket: false }, addons: [watching] },
    'x-foreign',
  )
  const wrong = Buffer.concat([up({ rsv: 7, opcode: 5 }), down('not masked'), up({ opcode: 8, payload: 'x' })])
  client.says(wrong)
  t.deepEqual(await server.hearsOctets(wrong.length), wrong)
  const long = down({ opcode: 2, length: 1n << 62n })
  server.says(long)
  t.deepEqual(await client.hearsOctets(long.length), long)
  client.socket.end()
  t.is(await server.hearsAll(), '')
  server.says('still here')
  t.is((await client.hearsOctets(10)).toString(), 'still here')
  t.is((await running.flow('http')).websocket, undefined)
})

/** Bytes that may be under way: what midwire holds of a connection, and what the kernel's buffers hold. */
const UNDER_WAY = 72 * MIB
const MESSAGE = 1 * MIB
const COUNT = 200

for (const addons of [[], [watching]]) {
  for (const side of ['client', 'server'] as const) {
    test.serial(
      `a ${side} that does not read stops the other; then all arrives (${addons.length} hooks)`,
      async (t) => {
        const { client, server } = await opened(t, { addons })
        const [slow, fast] = side === 'client' ? [client, server] : [server, client]
        slow.socket.pause().removeAllListeners('data')
        const parts = { opcode: 2, payload: Buffer.alloc(MESSAGE, 'midwire') }
        const message = side === 'client' ? down(parts) : up(parts)
        const before = held()
        let sent = 0
        const write = () => {
          while (sent < COUNT) {
            sent += 1
            if (!fast.socket.write(message)) return void fast.socket.once('drain', write)
          }
        }
        write()
        for (let last = -1; last !== sent; await setTimeout(250)) last = sent
        t.true(sent * MESSAGE < UNDER_WAY, `${sent} MiB were taken`)
        // What the collector has not taken away yet counts, too.
        t.true(held() - before < 32 * MIB, `${(held() - before) / MIB} MiB are held`)
        let length = 0
        let peak = 0
        await new Promise<void>((done) => {
          slow.socket.on('data', (data: Buffer) => {
            length += data.length
            peak = Math.max(peak, held() - before)
            if (length === COUNT * message.length) done()
          })
          slow.socket.resume()
        })
        t.is(sent, COUNT)
        t.true(peak < 64 * MIB, `${peak / MIB} MiB were held while it passed`)
      },
    )
  }
}
