// The end of the command, asked for while a device is in the middle of everything: all open flows are told, and the code is 0.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import type * as TcpProgram from './programs/tcp.js'
import type * as UdpProgram from './programs/udp.js'
import { joinProxy } from './support/device.js'
import { Remote } from './support/remote.js'
import { port, prepare, startMidwire, tunnel, web } from './support/scene.js'
import { suite } from './support/suite.js'
import { until } from './support/wait.js'

const check = suite(['midwire', 'wireguard-go', 'curl'], async (world) => {
  const scene = await prepare(world)
  await scene.upstream.call('serveEcho', web.v4, port.echo)
  await scene.upstream.call('serveBanner', web.v4, port.banner)
  return { ...scene }
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  check(`${signal}: flows in the middle are flushed, the exit code is 0, and it is quick`, async (t, scene) => {
    const midwire = await startMidwire(scene, tunnel, `conf-${signal}`)
    const device = await joinProxy(scene.world, midwire)
    const udp = await Remote.start<typeof UdpProgram>(device.namespace, 'udp')
    t.true((await udp.call('ask', web.v4, port.echo, 100)).same)
    // None of these ends of itself.
    const file = (name: string) => join(scene.folder, `${signal}-${name}`)
    const curl = (name: string, ...args: string[]) => device.run(['curl', '-sN', '-o', file(name), ...args])
    const plain = curl('plain', `http://${web.v4}/slow?plain`)
    const secure = curl('secure', '--cacert', midwire.authority, `https://${web.name}/slow?secure`)
    const tcp = await Remote.start<typeof TcpProgram>(device.namespace, 'tcp')
    await tcp.call('stay', web.v4, port.banner)
    await until(5000, 'both responses to begin', () => {
      return ['plain', 'secure'].every((name) => statSync(file(name), { throwIfNoEntry: false })?.size)
    })
    const { code, ms } = await midwire.stop(signal)
    t.is(code, 0, midwire.stderr)
    t.true(ms < 3000, `${ms} ms`)
    t.deepEqual(midwire.faults, [])
    const flows = [
      await midwire.httpFlow('/slow?plain'),
      await midwire.httpFlow('/slow?secure'),
      await midwire.flow('raw TCP', ({ type }) => type === 'tcp'),
      await midwire.flow('UDP', ({ type }) => type === 'udp'),
    ]
    t.is(flows[0]?.response?.status, 200)
    t.is(flows[2]?.bytesFromServer, 14)
    t.is(await tcp.call('fateOfStayed'), 'ECONNRESET')
    t.is(flows[3]?.bytesFromServer, 100)
    t.not((await plain).code, 0)
    t.not((await secure).code, 0)
    await tcp.stop()
    await udp.stop()
    await device.client.stop()
  })
}
