// Servers that no client should trust: each is named for what it is, to the client and in the flow; `-k` lets them pass.

import { certificate } from '../support/certificates.js'
import { joinProxy } from './support/device.js'
import { bad, endsWell, stage, startMidwire, tlsOf } from './support/scene.js'
import { suite } from './support/suite.js'

const reasons = {
  'expired.test': [bad.expired, /expired/],
  'selfsigned.test': [bad.selfSigned, /self-signed/],
  'wrong.test': [bad.wrong, /for right\.test only/],
} as const

const check = suite(['midwire', 'wireguard-go', 'curl'], async (world) => {
  const scene = await stage(world)
  const { root, upstream } = scene
  const serve = (address: string, wanted: Parameters<typeof certificate>[0]) =>
    upstream.call('serveHttps', address, tlsOf(certificate(wanted)))
  await serve(bad.expired, { names: ['expired.test'], issuer: root, from: -30, until: -2 })
  await serve(bad.selfSigned, { commonName: 'selfsigned.test', names: ['selfsigned.test'] })
  await serve(bad.wrong, { names: ['right.test'], issuer: root })
  return scene
})

for (const [name, [address, reason]] of Object.entries(reasons)) {
  check(`${name} is a 502 that says why`, async (t, { midwire, device }) => {
    const url = `https://${name}/echo`
    const { code, stdout, stderr } = await device.curl(
      '--cacert',
      midwire.authority,
      '-w',
      '%{stderr}%{http_code}',
      url,
    )
    t.is(code, 0, stderr)
    t.is(stderr, '502')
    t.regex(stdout.toString(), reason)
    const flow = await midwire.httpFlow(url)
    t.regex(flow.error ?? '', reason)
    t.is(flow.server?.address, address)
  })
}

check('-k lets them pass', async (t, scene) => {
  const midwire = await startMidwire(scene, ['--mode', 'wireguard@51821', '-k'], 'conf-k')
  const device = await joinProxy(scene.world, midwire)
  for (const name of Object.keys(reasons)) {
    const { code, stderr } = await device.curl(
      '-f',
      '-o',
      '/dev/null',
      '--cacert',
      midwire.authority,
      `https://${name}/echo`,
    )
    t.is(code, 0, stderr)
    t.is((await midwire.httpFlow(`https://${name}/echo`)).response?.status, 200)
  }
  t.is((await midwire.stop()).code, 0)
  t.deepEqual(midwire.faults, [])
})

endsWell(check)
