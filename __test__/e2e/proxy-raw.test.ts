// What is not HTTP, TLS or DNS passes as it is: servers that speak first, half-closes, refusals and datagrams.

import type * as TcpProgram from './programs/tcp.js'
import type * as UdpProgram from './programs/udp.js'
import { Remote } from './support/remote.js'
import { endsWell, port, stage, web } from './support/scene.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'wireguard-go'], async (world) => {
  const scene = await stage(world)
  for (const address of [web.v4, web.v6]) {
    await scene.upstream.call('serveBanner', address, port.banner)
    await scene.upstream.call('serveDiscard', address, port.discard)
    await scene.upstream.call('serveEcho', address, port.echo)
  }
  const { namespace } = scene.device
  const tcp = await Remote.start<typeof TcpProgram>(namespace, 'tcp')
  const udp = await Remote.start<typeof UdpProgram>(namespace, 'udp')
  return { ...scene, tcp, udp }
})

const datagrams = [0, 1, 512, 1300, 9000]

for (const host of [web.v4, web.v6]) {
  const family = host === web.v4 ? 'IPv4' : 'IPv6'
  check(`${family}: a server that speaks first is heard before the client says a word`, async (t, { midwire, tcp }) => {
    const { first, answer, ms } = await tcp.call('hear', host, port.banner, 'ssh-2.0-client\r\n')
    t.is(first, 'SSH-2.0-test\r\n')
    t.is(answer, 'SSH-2.0-CLIENT\r\n')
    t.true(ms < 1000, `${ms} ms`)
    const flow = await midwire.flow('the banner', ({ client }) => client.destination.port === port.banner)
    t.is(flow.type, 'tcp')
    t.is(flow.bytesFromServer, first.length + answer.length)
    t.is(flow.bytesFromClient, 16)
    t.is(flow.error, null)
  })

  check(`${family}: a client's half-close passes, and what the server says after it comes back`, async (t, all) => {
    const [answer] = await all.tcp.call('ask', host, port.discard, 'not HTTP\n')
    t.is(answer, '9 bytes, and this comes after your end')
    const flow = await all.midwire.flow('it', ({ client }) => client.destination.port === port.discard)
    t.is(flow.type, 'tcp')
    t.is(flow.bytesFromClient, 9)
    t.is(flow.bytesFromServer, answer.length)
    t.is(flow.error, null)
  })

  check(`${family}: refused is refused`, async (t, { tcp }) => {
    const { code, ms } = await tcp.call('attempt', host, port.refused, 5000)
    t.is(code, 'ECONNREFUSED')
    t.true(ms < 1000, `it took ${ms} ms`)
  })

  check(`${family}: datagrams of every size there and back`, async (t, { udp }) => {
    for (const bytes of datagrams) {
      t.deepEqual(await udp.call('ask', host, port.echo, bytes), { same: true, bytes, address: host, port: port.echo })
    }
  })
}

check(
  'curl says that the connection was refused',
  async (t, { device }) => {
    const { code, stderr } = await device.curl(`http://${web.v4}:${port.refused}/`)
    t.is(code, 7, stderr)
  },
  ['curl'],
)

check('a closed UDP port is refused', async (t, { udp }) => {
  t.is(await udp.call('refusal', web.v4, port.refused, 3000), 'ECONNREFUSED')
})

endsWell(check)

check('flows of datagrams, which have no end of their own, are told with that', async (t, { midwire }) => {
  for (const address of [web.v4, web.v6]) {
    for (const bytes of datagrams) {
      const flow = await midwire.flow(`${bytes} bytes to ${address}`, ({ type, client, bytesFromClient }) => {
        return type === 'udp' && client.destination.address === address && bytesFromClient === bytes
      })
      t.is(flow.messages, 2)
      t.is(flow.bytesFromServer, bytes)
      t.is(flow.client.destination.port, port.echo)
    }
  }
})
