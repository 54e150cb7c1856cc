// dig against the tunnel's resolver, over both families and both transports: every kind of answer is kept apart from the others.

import type { Device } from './support/device.js'
import { dig as digBy } from './support/dig.js'
import { endsWell, stage, web } from './support/scene.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'wireguard-go', 'dig'], async (world) => stage(world))

const dig = (device: Device, server: string, ...args: string[]) => digBy(device.run, `@${server}`, ...args)

for (const [index, family] of ['IPv4', 'IPv6'].entries()) {
  for (const transport of ['+notcp', '+tcp']) {
    const title = `${family}, ${transport === '+tcp' ? 'TCP' : 'UDP'}`
    check(`A, AAAA, TXT, MX and HTTPS: ${title}`, async (t, { midwire, device, names }) => {
      const server = device.resolver[index] ?? ''
      await names.call('questions')
      for (const [type, name, ...data] of [
        ['A', web.name, web.v4],
        ['AAAA', web.name, web.v6],
        ['A', web.zone, web.v4],
        ['AAAA', web.zone, web.v6],
        ['TXT', 'zone.test', '"v=test" "and more"'],
        ['MX', 'zone.test', '10 mail.zone.test.'],
        ['TYPE65', web.zone, '1 . alpn="h2"'],
      ] as const) {
        const answer = await dig(device, server, transport, name, type)
        t.is(answer.status, 'NOERROR', answer.text)
        t.deepEqual(answer.data, data, answer.text)
        const wanted = type === 'TYPE65' ? 'HTTPS' : type
        const flow = await midwire.flow(`${type} ${name}`, (one) => one.request?.questions?.[0]?.type === wanted)
        t.is(flow.type, 'dns')
        t.is(flow.request?.questions?.[0]?.name, name)
        t.is(flow.client.destination.address, server)
        t.deepEqual(flow.response?.answers?.length, 1)
      }
      const asked = await names.call('questions')
      // Names of the hosts file are nobody else's business.
      t.false(
        asked.some((one) => one.includes(web.name)),
        asked.join(', '),
      )
      t.true(asked.includes('udp MX zone.test'))
    })
  }
}

check('no such name, no such record and a server that fails are three things', async (t, { device }) => {
  const [server = ''] = device.resolver
  for (const type of ['A', 'AAAA', 'TXT']) {
    t.is((await dig(device, server, 'none.zone.test', type)).status, 'NXDOMAIN', type)
    t.is((await dig(device, server, 'broken.zone.test', type)).status, 'SERVFAIL', type)
  }
  for (const type of ['A', 'AAAA', 'MX']) {
    const { status, data } = await dig(device, server, 'long.zone.test', type)
    t.is(status, 'NOERROR', type)
    t.deepEqual(data, [], type)
  }
  // It has an IPv4 address in the hosts file, and no other.
  const half = await dig(device, server, 'expired.test', 'AAAA')
  t.is(half.status, 'NOERROR')
  t.deepEqual(half.data, [])
})

check('an answer that is too long for a datagram is cut, and comes whole by TCP', async (t, { device, names }) => {
  const [server = ''] = device.resolver
  await names.call('questions')
  const cut = await dig(device, server, '+ignore', 'long.zone.test', 'TXT')
  t.true(cut.flags.includes('tc'), cut.text)
  t.is(cut.status, 'NOERROR')
  // midwire was given a cut answer by the name server and has asked again.
  t.deepEqual(await names.call('questions'), ['udp TXT long.zone.test', 'tcp TXT long.zone.test'])
  const whole = await dig(device, server, 'long.zone.test', 'TXT')
  t.regex(whole.text, /Truncated, retrying in TCP mode/)
  t.is(whole.data.length, 40)
})

check('a client that asks another server is answered by that one', async (t, { midwire, device, names }) => {
  await names.call('questions')
  const { status, data } = await dig(device, '198.51.100.53', web.zone, 'A')
  t.is(status, 'NOERROR')
  t.deepEqual(data, [web.v4])
  t.deepEqual(await names.call('questions'), [`udp A ${web.zone}`])
  const flow = await midwire.flow('the query', ({ client }) => client.destination.address === '198.51.100.53')
  t.is(flow.type, 'dns')
  t.is(flow.server?.address, '198.51.100.53')
})

check('mitm.it is answered from inside', async (t, { device, names }) => {
  await names.call('questions')
  const [server = ''] = device.resolver
  t.deepEqual((await dig(device, server, 'mitm.it', 'A')).data, [device.resolver[0]])
  t.deepEqual((await dig(device, server, 'MITM.it', 'AAAA')).data, [device.resolver[1]])
  t.deepEqual(await names.call('questions'), [])
})

check('programs find names by it: getaddrinfo', async (t, { device }) => {
  const { stdout } = await device.run(['getent', 'ahosts', web.zone])
  const addresses = [...new Set(stdout.toString().match(/^\S+/gm))].sort()
  t.deepEqual(addresses, [web.v4, web.v6].sort())
})

endsWell(check)
