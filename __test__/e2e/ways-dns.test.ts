// dig by the modes `dns` and `reverse:dns`: midwire is a name server of this machine, and the one that it asks is dnsmasq.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Daemon } from './support/daemon.js'
import { bareDevice } from './support/device.js'
import { dig } from './support/dig.js'
import { type FlowLine, Midwire } from './support/midwire.js'
import { endsWell } from './support/scene.js'
import { suite } from './support/suite.js'

/** dnsmasq's address. As the name server in /etc/resolv.conf it is the one that mode `dns` finds by itself. */
const nameServer = '127.0.0.2'

const LARGE = Array.from({ length: 15 }, (_, index) => `${index} ${'x'.repeat(200)}`)

/** dnsmasq has a zone, `test`, and knows nobody whom it could ask for more. */
const zone = [
  ...[
    '--local=/test/',
    '--host-record=both.test,192.0.2.1,2001:db8::1',
    '--host-record=four.test,192.0.2.3',
    '--address=/case.test/192.0.2.2',
  ],
  ...['--cname=start.test,middle.test', '--cname=middle.test,both.test'],
  ...LARGE.map((text) => `--txt-record=large.test,${text}`),
]

/** Answers for one name by itself. */
const script = `import { aRecord, dnsReply } from 'midwire'
export function dns_request(flow) {
  const { name } = flow.request.questions[0]
  if (name.toLowerCase() === 'hook.test') flow.response = dnsReply(flow.request, { answers: [aRecord(name, '192.0.2.77')] })
}
`

const check = suite(['midwire', 'dig', 'dnsmasq'], async (world) => {
  const { server } = world
  const folder = mkdtempSync(join(tmpdir(), 'midwire-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  server.etc('resolv.conf', `nameserver ${nameServer}\n`)
  server.etc('hosts', '127.0.0.1 localhost\n192.0.2.99 hosts.test\n')
  const options = [
    ...['-k', '-C', '/dev/null', '-a', nameServer, '-z', '-R', '-h', '-u', 'root', '-x', join(folder, 'dnsmasq.pid')],
    ...['--log-queries', '--log-facility=-'],
  ]
  const dnsmasq = await Daemon.start(server, ['dnsmasq', ...options, ...zone], { port: 53 })
  writeFileSync(join(folder, 'answer.mjs'), script)
  const modes = ['dns', 'dns@[::1]:53', `reverse:dns://${nameServer}@5300`].flatMap((mode) => ['-m', mode])
  const midwire = await Midwire.start(server, join(folder, 'conf'), [...modes, '-s', join(folder, 'answer.mjs')])
  return { midwire, dnsmasq, run: bareDevice(server).run }
})

const ways = [
  { title: 'dns', mode: 'dns', at: ['@127.0.0.1'], server: null },
  { title: 'dns, IPv6', mode: 'dns@[::1]:53', at: ['@::1'], server: null },
  { title: 'reverse:dns', mode: 'reverse:dns', at: ['@127.0.0.1', '-p', '5300'], server: nameServer },
]

for (const { title, mode, at, server } of ways) {
  /** The next flow of this way for the name, which has to be spelled so. */
  const flowOf = (midwire: Midwire, name: string): Promise<FlowLine> =>
    midwire.flow(`${name} by ${title}`, ({ type, client, request }) => {
      return type === 'dns' && client.mode.startsWith(mode) && request?.questions?.[0]?.name === name
    })

  for (const transport of ['+notcp', '+tcp']) {
    const asked = `${title}, ${transport === '+tcp' ? 'TCP' : 'UDP'}`

    check(`${asked}: A, AAAA, no such record and no such name`, async (t, { midwire, run }) => {
      for (const [type, name, status, ...data] of [
        ['A', 'both.test', 'NOERROR', '192.0.2.1'],
        ['AAAA', 'both.test', 'NOERROR', '2001:db8::1'],
        ['AAAA', 'four.test', 'NOERROR'],
        ['MX', 'both.test', 'NOERROR'],
        ['A', 'none.test', 'NXDOMAIN'],
        ['TXT', 'none.test', 'NXDOMAIN'],
        // dnsmasq knows nobody who knows.
        ['A', 'elsewhere.example', 'REFUSED'],
      ] as const) {
        const answer = await dig(run, ...at, transport, name, type)
        t.deepEqual([answer.status, answer.data], [status, data], answer.text)
        const flow = await flowOf(midwire, name)
        t.is(flow.request?.questions?.[0]?.type, type)
        t.deepEqual(
          flow.response?.answers?.map((one) => one.data),
          data,
        )
        t.deepEqual([flow.error, flow.server?.address ?? null], [null, server])
      }
    })

    check(`${asked}: a chain of CNAMEs is whole`, async (t, { midwire, run }) => {
      for (const [type, address] of [
        ['A', '192.0.2.1'],
        ['AAAA', '2001:db8::1'],
      ] as const) {
        const answer = await dig(run, ...at, transport, 'start.test', type)
        t.deepEqual(answer.names, ['start.test.', 'middle.test.', 'both.test.'], answer.text)
        t.deepEqual(answer.data, [address, 'both.test.', 'middle.test.'].sort(), answer.text)
        const flow = await flowOf(midwire, 'start.test')
        t.deepEqual(
          flow.response?.answers?.map((one) => one.type),
          ['CNAME', 'CNAME', type],
        )
      }
    })

    check(`${asked}: the case of a question is kept, to the server and back`, async (t, { midwire, dnsmasq, run }) => {
      // A name of its own, so that the server's log tells of this query alone.
      const name = `${asked.replace(/\W+/g, '-')}.Case.tEST`
      const answer = await dig(run, ...at, transport, name, 'A')
      t.deepEqual(
        [answer.question, answer.names, answer.data],
        [`${name}. IN A`, [`${name}.`], ['192.0.2.2']],
        answer.text,
      )
      await dnsmasq.logged(`query[A] ${name} from`)
      await flowOf(midwire, name)
    })

    check(`${asked}: a script answers, and nobody else is asked`, async (t, { midwire, dnsmasq, run }) => {
      const answer = await dig(run, ...at, transport, 'Hook.test', 'A')
      t.deepEqual([answer.question, answer.names, answer.data], ['Hook.test. IN A', ['Hook.test.'], ['192.0.2.77']])
      t.is((await flowOf(midwire, 'Hook.test')).server, null)
      t.notRegex(dnsmasq.log, /hook\.test/i)
    })
  }

  check(
    `${title}: an answer that is too large for the client is cut, and dig asks again by TCP`,
    async (t, { run, midwire }) => {
      const cut = await dig(run, ...at, '+bufsize=512', '+ignore', 'large.test', 'TXT')
      t.true(cut.flags.includes('tc'), cut.text)
      t.true(cut.size <= 512 && cut.data.length < LARGE.length, cut.text)
      t.is(cut.status, 'NOERROR')
      const whole = await dig(run, ...at, '+bufsize=512', 'large.test', 'TXT')
      t.regex(whole.text, /Truncated, retrying in TCP mode/)
      t.deepEqual(whole.data, LARGE.map((text) => `"${text}"`).sort(), whole.text)
      for (let query = 0; query < 3; query += 1) t.is((await flowOf(midwire, 'large.test')).error, null)
    },
  )

  check(`${title}: one connection takes several queries`, async (t, { run, midwire }) => {
    const { text } = await dig(run, ...at, '+tcp', '+keepopen', 'both.test', 'A', 'keep.test', 'A', 'both.test', 'AAAA')
    t.deepEqual(text.match(/status: \w+/g), ['status: NOERROR', 'status: NXDOMAIN', 'status: NOERROR'], text)
    const flows = [
      await flowOf(midwire, 'keep.test'),
      await flowOf(midwire, 'both.test'),
      await flowOf(midwire, 'both.test'),
    ]
    t.is(new Set(flows.map(({ client }) => client.port)).size, 1)
  })
}

check('dns: names of the hosts file come from there', async (t, { run, dnsmasq }) => {
  t.deepEqual((await dig(run, '@127.0.0.1', 'hosts.test', 'A')).data, ['192.0.2.99'])
  t.deepEqual((await dig(run, '@127.0.0.1', 'hosts.test', 'AAAA')).data, [])
  t.notRegex(dnsmasq.log, /hosts\.test/)
})

endsWell(check)
