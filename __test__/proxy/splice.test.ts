// Connections whose data passes below the layers: what still rises, and how the slower side holds back the faster.
import test from 'ava'
import type { ServerConnection } from '../../src/connection.js'
import { Channel } from '../../src/layers/channel.js'
import { Bindings } from '../../src/proxy/bindings.js'
import { FakeTransport, PLACE } from '../support/fake-transport.js'

function spliced() {
  const heard: string[] = []
  const names = new Map<Channel, string>()
  const of = (channel: Channel, what: string) => heard.push(`${names.get(channel)} ${what}`)
  const bindings = new Bindings({
    handleData: (channel, data) => of(channel, `data ${data}`),
    handleEnd: (channel) => of(channel, 'end'),
    handleDrain: (channel) => of(channel, 'drain'),
    handleDropped: (channel, total) => of(channel, `dropped ${total}`),
    handlePassed: () => heard.push('passed'),
    handleClose: (channel, error) => of(channel, `close ${error?.message}`),
  })
  const end = (name: string) => {
    const channel = new Channel<ServerConnection>({ id: name, ...PLACE })
    const transport = new FakeTransport()
    names.set(channel, name)
    bindings.bind(channel, transport)
    channel.paused = true
    return { channel, transport }
  }
  const [client, server] = [end('client'), end('server')]
  bindings.splice(client.channel, server.channel)
  return { bindings, client, server, heard }
}

test('data goes straight to the other side, both ways, and both sides are read', (t) => {
  const { client, server, heard } = spliced()
  t.deepEqual([client.channel.paused, server.channel.paused], [false, false])
  client.transport.receiver.handleData(Buffer.from('up'))
  server.transport.receiver.handleData(Buffer.from('down'))
  t.deepEqual(client.transport.did, ['resumed', 'wrote down'])
  t.deepEqual(server.transport.did, ['resumed', 'wrote up'])
  t.deepEqual(heard, ['passed', 'passed'])
})

test('a side that is full stops the reading of the other until it has room', (t) => {
  const { client, server, heard } = spliced()
  server.transport.takes = false
  client.transport.receiver.handleData(Buffer.from('x'))
  t.deepEqual(client.transport.did, ['resumed', 'paused'])
  server.transport.receiver.handleDrain()
  t.deepEqual(client.transport.did, ['resumed', 'paused', 'resumed'])
  // Room is progress, too: a slow side that takes data is not idle.
  t.deepEqual(heard, ['passed', 'passed'])
  t.deepEqual(server.transport.did, ['resumed', 'wrote x'])
})

test('ends, losses and dropped datagrams rise', (t) => {
  const { client, server, heard } = spliced()
  client.transport.receiver.handleEnd()
  server.transport.receiver.handleDropped?.(3)
  server.transport.receiver.handleClose(new Error('lost'))
  t.deepEqual(heard, ['client end', 'server dropped 3', 'server close lost'])
  t.deepEqual(client.transport.did, ['resumed'])
})

test('data for a side that is gone rises, for the layer ends the connection', (t) => {
  const { client, server, heard } = spliced()
  server.channel.closed = true
  client.transport.receiver.handleData(Buffer.from('x'))
  t.deepEqual(heard, ['client data x'])
  t.deepEqual(server.transport.did, ['resumed'])
})

test('a side that is gone before is left alone', (t) => {
  const { bindings, client, server } = spliced()
  bindings.unbind(server.channel)
  const { receiver } = client.transport
  bindings.splice(client.channel, server.channel)
  t.is(client.transport.receiver, receiver)
})
