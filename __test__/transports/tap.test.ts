// A tap in a transport: it sees the bytes in their order, and the transport behaves as it does without.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { connect as connectTls, createSecureContext } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { DatagramFlow } from '../../src/transports/datagram-flow.js'
import { HIGH_WATER, Pipe } from '../../src/transports/pipe.js'
import { listenTcp, socketPipe } from '../../src/transports/socket.js'
import { type Tap, tapped } from '../../src/transports/tap.js'
import { secureClient } from '../../src/transports/tls.js'
import { noReceiver, type StreamTransport, type Transport } from '../../src/transports/transport.js'
import { certificate } from '../support/certificates.js'

class Seen implements Tap {
  readonly events: string[] = []
  readonly from: Buffer[] = []
  readonly to: Buffer[] = []

  received(data: Uint8Array): void {
    this.from.push(Buffer.from(data))
    this.events.push('received')
  }

  sent(data: Uint8Array): void {
    this.to.push(Buffer.from(data))
    this.events.push('sent')
  }

  ended(byPeer: boolean): void {
    this.events.push(byPeer ? 'their end' : 'our end')
  }

  reset(byPeer: boolean): void {
    this.events.push(byPeer ? 'their reset' : 'our reset')
  }
}

class Heard {
  readonly events: string[] = []
  data = Buffer.alloc(0)
  #wake = () => {}

  readonly receiver = {
    ...noReceiver,
    handleData: (data: Buffer) => {
      this.data = Buffer.concat([this.data, data])
      this.#wake()
    },
    handleEnd: () => this.#add('end'),
    handleClose: (error: NodeJS.ErrnoException | undefined) => this.#add(`close ${error?.code ?? ''}`.trim()),
  }

  #add(event: string): void {
    this.events.push(event)
    this.#wake()
  }

  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}

async function pair(
  t: ExecutionContext,
): Promise<{ peer: Socket; transport: StreamTransport; tap: Seen; heard: Heard }> {
  const accepted: { take: (socket: Socket) => void } = { take() {} }
  const came = new Promise<Socket>((resolve) => (accepted.take = resolve))
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (socket) => accepted.take(socket))
  const peer = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
  peer.on('error', () => {})
  const tap = new Seen()
  const transport = tapped(socketPipe(await came), tap) as StreamTransport
  const heard = new Heard()
  t.teardown(() => {
    peer.destroy()
    transport.reset()
    return listener.close()
  })
  return { peer, transport, tap, heard }
}

const bytesOf = async (socket: Socket, length: number): Promise<Buffer> => {
  let all = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => (all = Buffer.concat([all, data])))
  while (all.length < length) await once(socket, 'data')
  return all
}

test('a stream passes both ways, and each end by itself', async (t) => {
  const { peer, transport, tap, heard } = await pair(t)
  t.is(transport.remote?.port, peer.localPort)
  peer.write('question')
  transport.receiver = heard.receiver
  await heard.until(() => heard.data.length === 8)
  peer.end()
  await heard.until(() => heard.events.length > 0)
  t.deepEqual(heard.events, ['end'])
  // The other way is open still.
  transport.write(Buffer.from('answer'))
  t.is(`${await bytesOf(peer, 6)}`, 'answer')
  transport.end()
  await once(peer, 'end')
  await heard.until(() => heard.events.length > 1)
  t.deepEqual(heard.events, ['end', 'close'])
  t.deepEqual(tap.events, ['received', 'their end', 'sent', 'our end'])
  t.is(`${tap.from}${tap.to}`, 'questionanswer')
})

test('many bytes pass whole both ways, and one that reads nothing holds the other up', async (t) => {
  const { peer, transport, tap, heard } = await pair(t)
  const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 251))
  const isFull = new Promise<void>((resolve) => {
    const write = (at: number) => {
      for (let from = at; from < data.length; from += 50_000) {
        if (!transport.write(data.subarray(from, from + 50_000), true)) {
          heard.receiver.handleDrain = () => write(from + 50_000)
          resolve()
          return
        }
      }
      transport.end()
    }
    transport.receiver = heard.receiver
    write(0)
  })
  await isFull
  t.true(transport.duplex.writableLength >= HIGH_WATER)
  const got = bytesOf(peer, data.length)
  t.true((await got).equals(data))
  t.true(Buffer.concat(tap.to).equals(data))

  transport.pause()
  peer.end(data)
  await new Promise(setImmediate)
  t.true(transport.duplex.readableLength <= 2 * HIGH_WATER)
  transport.resume()
  await heard.until(() => heard.events.includes('end'))
  t.true(heard.data.equals(data))
  t.true(Buffer.concat(tap.from).equals(data))
})

test('a reset of the peer is an error, and one of ours reaches the peer', async (t) => {
  const theirs = await pair(t)
  theirs.transport.receiver = theirs.heard.receiver
  theirs.peer.resetAndDestroy()
  await theirs.heard.until(() => theirs.heard.events.length > 0)
  t.deepEqual(theirs.heard.events, ['close ECONNRESET'])
  t.deepEqual(theirs.tap.events, ['their reset'])

  const ours = await pair(t)
  ours.transport.receiver = ours.heard.receiver
  const lost = once(ours.peer, 'error')
  ours.transport.reset()
  ours.peer.resume()
  t.is(((await lost) as NodeJS.ErrnoException[])[0]?.code, 'ECONNRESET')
  t.deepEqual(ours.tap.events, ['our reset'])
})

test('what the peer has sent before it is read is not lost, though both ends are over', async (t) => {
  const { peer, transport, heard } = await pair(t)
  transport.end()
  await once(peer.resume(), 'end')
  peer.end('all of it')
  await once(peer, 'close')
  transport.receiver = heard.receiver
  await heard.until(() => heard.events.includes('close'))
  t.is(`${heard.data}`, 'all of it')
  t.deepEqual(heard.events, ['end', 'close'])
})

test('a stream that is lost already stays as it is', async (t) => {
  const { transport } = await pair(t)
  transport.duplex.destroy()
  const tap = new Seen()
  t.is(tapped(transport, tap), transport)
  t.deepEqual(tap.events, [])
})

test('TLS goes over it: the tap sees the records, and a reset reaches the peer', async (t) => {
  const { pem, keyPem } = certificate({ names: ['tap.test'] })
  const { peer, transport, tap, heard } = await pair(t)
  const secured = connectTls({ socket: peer, ca: pem, servername: 'tap.test' })
  secured.on('error', () => {})
  const secrets: Buffer[] = []
  const context = createSecureContext({ cert: pem, key: keyPem })
  const { pipe } = await secureClient(transport, Buffer.alloc(0), {
    by: { context },
    alpn: undefined,
    onSecret: (line) => secrets.push(line),
  })
  pipe.receiver = heard.receiver
  secured.write('secret')
  await heard.until(() => heard.data.length === 6)
  t.is(tap.from[0]?.[0], 0x16)
  t.false(Buffer.concat(tap.from).includes('secret'))
  t.is(Buffer.concat(tap.to).subarray(0, 2).toString('hex'), '1603')
  t.true(secrets.length >= 4)
  const lost = once(peer, 'close')
  pipe.reset()
  await lost
  t.is(tap.events.at(-1), 'our reset')
})

test('datagrams pass both ways', async (t) => {
  const sent: string[] = []
  const address = { address: '192.0.2.1', port: 1, family: 4 } as const
  const datagram = (data: string) => ({
    ...{ flow: 1, source: address, destination: { ...address, port: 2 }, peer: undefined, data: Buffer.from(data) },
    reply: (answer: Uint8Array) => void sent.push(`${answer}`),
    bare: () => datagram(''),
    refuse() {},
  })
  const flow = new DatagramFlow(datagram('first'), () => {})
  const tap = new Seen()
  const transport: Transport = tapped(flow, tap)
  const heard = new Heard()
  t.is(transport.local?.port, 2)
  t.is(transport.remote?.port, 1)
  transport.receiver = heard.receiver
  await heard.until(() => heard.data.length === 5)
  flow.handleDatagram(Buffer.from(' second'))
  transport.write(Buffer.from('answer'))
  transport.close()
  await heard.until(() => heard.events.length > 0)
  t.is(`${heard.data}`, 'first second')
  t.deepEqual(sent, ['answer'])
  t.deepEqual(tap.events, ['received', 'received', 'sent'])
  t.deepEqual(heard.events, ['close'])
})

test('an impairment is done below it, where that can be done', async (t) => {
  const wanted: unknown[] = []
  const below = Object.assign(new PassThrough(), { impair: (one: unknown) => wanted.push(one) > 0 })
  const over = (stream: Duplex) => tapped(new Pipe(stream, { local: undefined, remote: undefined }), new Seen())
  t.true(over(below).impair?.({ loss: 0.5, latency: 0 }))
  t.deepEqual(wanted, [{ loss: 0.5, latency: 0 }])
  t.false(over(new PassThrough()).impair?.({ loss: 0.5, latency: 0 }))
})
