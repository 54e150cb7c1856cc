// Sockets for datagrams to a server: each datagram for itself, empty ones too, and servers that the system does not let us reach.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import { connectUdp } from '../../src/transports/udp.js'

test('where the system refuses to connect, that is the answer, and no exception that ends the process', async (t) => {
  // A socket that was not allowed to broadcast.
  await t.throwsAsync(connectUdp('255.255.255.255', 9), { code: 'EACCES' })
})

test('datagrams pass both ways, without bytes, too; what comes while nobody wants any is lost and counted', async (t) => {
  const server = createSocket('udp4', (data, from) => server.send(data, from.port, from.address))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const transport = (await connectUdp('127.0.0.1', server.address().port)) as Awaited<ReturnType<typeof connectUdp>> & {
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
})
