// Who does not read stops who sends: memory has a bound, and when reading begins again, everything arrives.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, dial, listen } from '../support/talk.js'

const MIB = 1024 ** 2
const SIZE = 200 * MIB
/** What midwire may hold of one connection, and what the kernel's buffers on the way may hold besides (two sockets, twice). */
const HELD = 8 * MIB
const KERNEL = 4 * 16 * MIB

/** The same bytes all the time, so that it is not the test that needs memory. */
const CHUNK = randomBytes(64 * 1024)

/** Writes SIZE bytes as fast as they are taken. */
class Sender {
  sent = 0
  readonly hash = createHash('sha1')

  constructor(socket: Duplex, finish: () => void) {
    const write = () => {
      while (this.sent < SIZE) {
        this.sent += CHUNK.length
        this.hash.update(CHUNK)
        if (!socket.write(CHUNK)) {
          socket.once('drain', write)
          return
        }
      }
      finish()
    }
    write()
  }

  /** Waits until nothing more is taken: no byte for a quarter of a second. */
  async stalls(): Promise<void> {
    for (let before = -1; before !== this.sent; await setTimeout(250)) before = this.sent
  }
}

/** What this process holds outside the kernel: the proxy, and both ends of the test. */
function held(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** Asserts that a sender is stopped early and little is kept, and that what a reader then hears is what was sent. */
async function proves(
  t: ExecutionContext,
  sender: Sender,
  reader: Duplex,
  rest: Buffer,
  before: number,
): Promise<void> {
  await sender.stalls()
  t.true(sender.sent < KERNEL, `${sender.sent} bytes were taken`)
  t.true(held() - before < HELD, `${(held() - before) / MIB} MiB are held`)
  const hash = createHash('sha1').update(rest)
  let length = rest.length
  let peak = 0
  await new Promise<void>((done) => {
    reader.on('end', done).on('data', (data: Buffer) => {
      hash.update(data)
      length += data.length
      peak = Math.max(peak, held() - before)
      if (length === SIZE) done()
    })
    reader.resume()
  })
  t.is(length, SIZE)
  t.is(hash.digest('hex'), sender.hash.digest('hex'))
  t.true(peak < 64 * MIB, `${peak / MIB} MiB were held while it passed`)
}

for (const kind of ['raw', 'http'] as const) {
  test.serial(`${kind}: a client that does not read`, async (t) => {
    const running = await startProxy(t)
    const upstream = await listen(t)
    const client = kind === 'raw' ? await tunnel(t, running, upstream.port, '\0') : await dial(t, running.port)
    if (kind === 'http') client.says(`GET http://127.0.0.1:${upstream.port}/ HTTP/1.1\r\nHost: a\r\n\r\n`)
    const server = await upstream.talk(0)
    await server.hears(kind === 'raw' ? '\0' : '\r\n\r\n')
    server.says(kind === 'raw' ? 'ready' : `HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\nConnection: close\r\n\r\n`)
    await client.hears(kind === 'raw' ? 'ready' : '\r\n\r\n')
    client.socket.pause().removeAllListeners('data')
    const before = held()
    const sender = new Sender(server.socket, () => server.socket.end())
    await proves(t, sender, client.socket, client.rest, before)
  })

  test.serial(`${kind}: a server that does not read`, async (t) => {
    const running = await startProxy(t)
    const upstream = await listen(t)
    const client = kind === 'raw' ? await tunnel(t, running, upstream.port, '\0ready') : await dial(t, running.port)
    if (kind === 'http') {
      client.says(`POST http://127.0.0.1:${upstream.port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`)
    }
    const server = await upstream.talk(0)
    await server.hears(kind === 'raw' ? '\0ready' : '\r\n\r\n')
    server.socket.pause().removeAllListeners('data')
    const before = held()
    const sender = new Sender(client.socket, () => client.socket.end())
    await proves(t, sender, server.socket, server.rest, before)
  })
}

test.serial('TLS on both sides: a client that does not read', async (t) => {
  const running = await startProxy(t)
  const made = certificate({ names: ['upstream.test'] })
  let accepted: (socket: TLSSocket) => void = () => {}
  const arrived = new Promise<TLSSocket>((resolve) => {
    accepted = resolve
  })
  const port = await bind(t, createTlsServer({ cert: made.pem, key: made.keyPem }, accepted))
  const client = await tlsTunnel(t, running, port)
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  const server = await arrived
  t.teardown(() => server.destroy())
  await once(server, 'data')
  server.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\nConnection: close\r\n\r\n`)
  await client.hears('\r\n\r\n')
  client.socket.pause().removeAllListeners('data')
  const before = held()
  const sender = new Sender(server, () => server.end())
  await proves(t, sender, client.socket, client.rest, before)
})
