// What the resolver keeps between queries: its name servers, for how long, how many queries are under way, and that it has ended.
import test from 'ava'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { dnsQuery } from '../../src/flow/dns-reply.js'
import { nameServer, resolverOf, zone } from '../support/name-server.js'

test('name servers that are set anew count from the next query on', async (t) => {
  const [one, other] = [await nameServer(t, zone), await nameServer(t, zone)]
  const resolver = resolverOf(t, { nameServers: [one.text] })
  for (const type of [DNS_TYPE.A, DNS_TYPE.TXT]) await resolver.resolve(dnsQuery('a.example', type, 7))
  resolver.configure({ nameServers: [other.text], useHostsFile: false })
  t.deepEqual([one.queries.length, other.queries.length], [2, 0])
  for (const type of [DNS_TYPE.A, DNS_TYPE.TXT]) await resolver.resolve(dnsQuery('a.example', type, 7))
  t.deepEqual([one.queries.length, other.queries.length], [2, 2])
})

test.serial(
  'the system is asked for its name servers again after 10 s, and not before; queries that are over are not counted',
  async (t) => {
    let looked = 0
    const isOurs = () => {
      looked += 1
      return true
    }
    const resolver = resolverOf(t, { nameServers: [], isOurs, inside: () => ['192.0.2.1'] })
    const ask = () => resolver.resolve(dnsQuery('a.example', DNS_TYPE.A, 7))
    await ask()
    const servers = looked
    t.true(servers > 0)
    for (let query = 0; query < 1_001; query += 1) await ask()
    t.is(looked, servers)
    const { now } = Date
    const later = now() + 10_001
    Date.now = () => later
    t.teardown(() => {
      Date.now = now
    })
    await ask()
    t.true(looked > servers)
  },
)

test('a name server is ours by its address and port', async (t) => {
  const { text, queries } = await nameServer(t, zone)
  const port = Number(text.split(':')[1])
  for (const [ours, asked] of [
    [port + 1, 1],
    [port, 1],
  ] as const) {
    const isOurs = (address: string, at: number) => address === '127.0.0.1' && at === ours
    const answer = resolverOf(t, { nameServers: [text], isOurs }).resolve(dnsQuery('a.example', DNS_TYPE.TXT, 7))
    if (ours === port) await t.throwsAsync(answer, { message: /no name server is known/ })
    else await answer
    t.is(queries.length, asked)
  }
})

test('after its end a resolver answers nothing, not even what it knows', async (t) => {
  const resolver = resolverOf(t, { inside: () => ['192.0.2.1'] })
  resolver.close()
  await t.throwsAsync(resolver.resolve(dnsQuery('a.example', DNS_TYPE.A, 7)), { message: /closing/ })
})

test('closing ends a query that a name server has', async (t) => {
  let came = () => {}
  const asked = new Promise<void>((resolve) => {
    came = resolve
  })
  const { text } = await nameServer(t, { udp: () => came() })
  const resolver = resolverOf(t, { nameServers: [text] })
  const answer = resolver.resolve(dnsQuery('a.example', DNS_TYPE.A, 7))
  await asked
  resolver.close()
  await t.throwsAsync(answer, { message: /failed: midwire is closing/ })
})
