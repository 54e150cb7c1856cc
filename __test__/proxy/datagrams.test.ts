// Datagrams behind a slow hook: what waits has a bound, the newest are dropped and counted, and afterwards all pass again.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import test from 'ava'
import type { UdpFlow } from '../../src/index.js'
import { until } from '../support/mode-context.js'
import { startProxy } from '../support/proxy.js'
import { clientOf } from '../support/tunnel-client.js'

const SIZE = 1_000
/** Datagrams that must be dropped before the hook answers: ten times what may wait. */
const DROPPED = 2_000
/** Bytes that may wait: 64 KiB in the channel, 128 KiB in the flow out of the tunnel, and one datagram in the hook. */
const WAITING = 64 * 1024 + 128 * 1024 + 2 * SIZE

/** No packet in a tunnel may carry a loopback address, so the server is dialled by another address of this machine. */
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address
const withAddress = own === undefined ? test.serial.skip : test.serial

for (const side of ['client', 'server'] as const) {
  withAddress(`a slow udp_message hook of what the ${side} sends`, async (t) => {
    let flow: UdpFlow | undefined
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const passed: number[] = []
    const running = await startProxy(t, {
      modes: ['wireguard@127.0.0.1:0'],
      addons: [
        {
          name: 'slow',
          udp_start(started) {
            flow = started
          },
          async udp_message({ last }) {
            if (!last || last.fromClient !== (side === 'client')) return
            passed.push(last.content.length)
            if (last.content.length === SIZE) await answered
          },
        },
      ],
    })
    const server = createSocket('udp4')
    server.bind(0, own)
    t.teardown(() => server.close())
    await once(server, 'listening')
    const arrived: string[] = []
    const client = await clientOf(running.proxy.peers[0]?.config, (text) => arrived.push(text))
    t.teardown(() => client.close())
    const [from, to] = [
      { address: '10.0.0.1', port: 4000 },
      { address: own ?? '', port: server.address().port },
    ]
    const hello = once(server, 'message')
    client.sendDatagram(Buffer.from('hello'), from, to)
    const [, dialled] = (await hello) as [Buffer, { address: string; port: number }]
    const send = (data: Buffer) => {
      if (side === 'client') client.sendDatagram(data, from, to)
      else server.send(data, dialled.port, dialled.address)
    }
    const dropped = () => (side === 'client' ? flow?.client : flow?.server)?.dropped ?? 0
    const data = Buffer.alloc(SIZE)
    await until(() => {
      for (let count = 0; count < 100 && dropped() < DROPPED; count += 1) send(data)
      return dropped() >= DROPPED
    })
    t.is((side === 'client' ? flow?.server : flow?.client)?.dropped, undefined, 'of the other side none are')
    t.is(passed.filter((length) => length === SIZE).length, 1)
    answer()
    // The last one is sent until it passes: while those before it leave, it may be dropped.
    await until(() => {
      send(Buffer.from('last'))
      return passed.includes(4)
    })
    const bytes = passed.filter((length) => length === SIZE).length * SIZE
    t.true(bytes <= WAITING, `${bytes} bytes waited`)
    t.true(bytes >= 64 * 1024, 'and up to the bound nothing is dropped')
    const warnings = running.log.filter(({ message }) => /datagrams are dropped/.test(message))
    t.deepEqual(
      warnings.map(({ level }) => level),
      ['warn'],
    )
  })
}
