// HTTP/3 in a tunnel: QUIC to port 443 is refused by ICMP, without a flow, and what else goes there passes.
import { networkInterfaces } from 'node:os'
import test from 'ava'
import type { IcmpMessage, UdpFlow } from '../../src/index.js'
import { startProxy } from '../support/proxy.js'
import { clientOf } from '../support/tunnel-client.js'

/** No packet in a tunnel may carry a loopback address. Nobody listens at the port of this address: what passes fails or is unanswered. */
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address
const withAddress = own === undefined ? test.skip : test

const INITIAL = Buffer.concat([Buffer.from('c00000000108', 'hex'), Buffer.alloc(1_194)])
const STUN = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')

withAddress('QUIC is refused with port unreachable and is no flow; STUN to the same port passes', async (t) => {
  const flows: UdpFlow[] = []
  let begun = () => {}
  const stun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const running = await startProxy(t, {
    modes: ['wireguard@127.0.0.1:0'],
    addons: [
      {
        udp_start(flow) {
          flows.push(flow)
          flow.kill()
          begun()
        },
      },
    ],
  })
  let refused = (_: IcmpMessage) => {}
  const answer = new Promise<IcmpMessage>((resolve) => {
    refused = resolve
  })
  // A client that has addresses of its own keeps ICMP errors about its flows to itself.
  const more = { addresses: [], onIcmp: (message: IcmpMessage) => refused(message) }
  const client = await clientOf(running.proxy.peers[0]?.config, undefined, more)
  t.teardown(() => client.close())
  const to = { address: own ?? '', port: 443 }
  client.sendDatagram(INITIAL, { address: '10.0.0.1', port: 4000 }, to)
  const { type, code } = await answer
  t.deepEqual([type, code], [3, 3])
  t.deepEqual(flows, [])
  client.sendDatagram(STUN, { address: '10.0.0.1', port: 4001 }, to)
  await stun
  t.is(flows.length, 1)
})
