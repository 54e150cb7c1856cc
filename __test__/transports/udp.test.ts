// Sockets for datagrams to a server: each datagram for itself, empty ones too, and servers that the system does not let us reach.
import { createSocket, Socket } from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import { connectUdp } from '../../src/transports/udp.js'

test.serial(
  'where the system refuses to connect, that is the answer, and no exception that ends the process',
  async (t) => {
    // A socket that was not allowed to broadcast.
    await t.throwsAsync(connectUdp('255.255.255.255', 9), { code: 'EACCES' })
  },
)

test.serial(
  'datagrams pass both ways, without bytes, too; what comes while nobody wants any is lost and counted',
  async (t) => {
    const server = createSocket('udp4', (data, from) => server.send(data, from.port, from.address))
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const transport = (await connectUdp('127.0.0.1', server.address().port)) as Awaited<
      ReturnType<typeof connectUdp>
    > & {
      dropped: number
    }
    const heard: string[] = []
    let news = () => {}
    transport.receiver = {
      handleData(data) {
        heard.push(`${data}`)
        news()
      },
      handleEnd() {},
      handleDrain() {},
      handleClose() {},
    }
    const answered = async (text: string) => {
      const answer = new Promise<void>((resolve) => {
        news = resolve
      })
      transport.write(Buffer.from(text))
      await answer
    }
    for (const text of ['', 'a', '']) await answered(text)
    t.deepEqual(heard, ['', 'a', ''])
    transport.pause()
    const echoed = once(server, 'message')
    transport.write(Buffer.from('lost'))
    await echoed
    while (transport.dropped === 0) await new Promise((later) => setImmediate(later))
    transport.resume()
    await answered('again')
    t.deepEqual(heard, ['', 'a', '', 'again'])
    t.is(transport.dropped, 1)
    transport.close()
    server.close()
  },
)

test.serial(
  'what the kernel does not take waits up to a bound, the newest are dropped, and each drop is told',
  async (t) => {
    const server = createSocket('udp4')
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const transport = await connectUdp('127.0.0.1', server.address().port)
    const told: number[] = []
    const receiver = {
      handleData() {},
      handleEnd() {},
      handleDrain() {},
      handleDropped: (total: number) => told.push(total),
      handleClose() {},
    }
    transport.receiver = receiver
    const { getSendQueueSize } = Socket.prototype
    t.teardown(() => {
      Socket.prototype.getSendQueueSize = getSendQueueSize
    })
    Socket.prototype.getSendQueueSize = () => 1024 * 1024 - 4
    const heard = once(server, 'message')
    t.true(transport.write(Buffer.from('12345')), 'never full')
    transport.write(Buffer.from('1234'))
    t.is(`${(await heard)[0]}`, '1234')
    t.deepEqual(told, [1])
    Socket.prototype.getSendQueueSize = getSendQueueSize
    // Longer than a datagram can be: the system says so later.
    transport.write(Buffer.alloc(70_000))
    while (told.length < 2) await new Promise((later) => setImmediate(later))
    t.deepEqual(told, [1, 2])
    transport.receiver = receiver
    t.deepEqual(told, [1, 2, 2], 'a new receiver is told what was dropped before it')
    transport.close()
    server.close()
  },
)

test.serial('after its end nothing is sent, and a second end is none', async (t) => {
  const transport = await connectUdp('127.0.0.1', 9)
  let closed = 0
  transport.receiver = { handleData() {}, handleEnd() {}, handleDrain() {}, handleClose: () => (closed += 1) }
  transport.close()
  t.notThrows(() => transport.reset())
  t.true(transport.write(Buffer.from('late')))
  await new Promise((later) => setImmediate(later))
  t.is(closed, 1)
})
