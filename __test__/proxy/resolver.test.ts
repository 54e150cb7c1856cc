// The tunnel's resolver against name servers of its own, honest and not.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type DnsMessage, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { parseHosts } from '../../src/proxy/hosts-file.js'
import { parseNameServer } from '../../src/proxy/name-server.js'
import { Resolver } from '../../src/proxy/resolver.js'
import { nameServer, resolverOf, type Script, shown, zone } from '../support/name-server.js'

test('the root has no address, whatever name servers say of it: NODATA', async (t) => {
  const { text, queries } = await nameServer(t, {
    udp: (query, say) => say(writeDns(dnsReply(query, { rcode: 3 }))),
  })
  for (const nameServers of [[text], []]) {
    const resolver = resolverOf(t, { nameServers })
    for (const type of [DNS_TYPE.A, DNS_TYPE.AAAA]) t.is(shown(await resolver.resolve(dnsQuery('.', type, 7))), '0 ')
  }
  t.is(queries.length, 0)
  const { rcode } = await resolverOf(t, { nameServers: [text] }).resolve(dnsQuery('.', DNS_TYPE.NS, 7))
  t.is(rcode, 3)
})

test('addresses come with their times, and NXDOMAIN, NODATA and SERVFAIL are kept apart', async (t) => {
  const { text } = await nameServer(t, zone)
  const resolver = resolverOf(t, { nameServers: [text] })
  const ask = async (name: string, type: number) => shown(await resolver.resolve(dnsQuery(name, type, 9)))
  t.is(await ask('Yes.Example', DNS_TYPE.A), '0 1234 192.0.2.1')
  t.is(await ask('yes.example', DNS_TYPE.AAAA), '0 7 2001:db8::1')
  t.is(await ask('no.example', DNS_TYPE.A), '3 ')
  t.is(await ask('empty.example', DNS_TYPE.AAAA), '0 ')
  t.is(await ask('broken.example', DNS_TYPE.A), '2 ')
  const reply = await resolver.resolve(dnsQuery('Yes.Example', DNS_TYPE.A, 9))
  t.like(reply, { id: 9, response: true, recursionAvailable: true })
  t.is(reply.answers[0]?.name, 'Yes.Example')
})

const OPT = {
  name: '.',
  type: DNS_TYPE.OPT,
  class: 1400,
  ttl: 0x8000,
  data: Buffer.from('000a00080102030405060708', 'hex'),
}

test('everything else is forwarded as it is, but for an id that nobody can guess', async (t) => {
  const said: Buffer[] = []
  const server = await nameServer(t, {
    udp: (query, say) => {
      const record = { name: 'eXample.org', type: 65280, class: 1, ttl: 5, data: Buffer.from('abc') }
      said.push(writeDns(dnsReply(query, { answers: [record], authenticData: true })))
      say(said.at(-1) as Buffer)
    },
  })
  const resolver = resolverOf(t, { nameServers: [server.text] })
  const queries = [
    dnsQuery('eXample.org', DNS_TYPE.HTTPS, 7, { additionals: [OPT], authenticData: true }),
    dnsQuery('version.bind', DNS_TYPE.TXT, 7, { questions: [{ name: 'version.bind', type: DNS_TYPE.A, class: 3 }] }),
    dnsQuery('', 0, 7, { questions: [] }),
    dnsQuery('', 0, 7, { questions: [1, 28].map((type) => ({ name: 'a.example', type, class: 1 })) }),
    dnsQuery('a.example', DNS_TYPE.A, 7, { opcode: 4 }),
    // Who checks signatures is given what the server says.
    dnsQuery('a.example', DNS_TYPE.A, 7, { additionals: [OPT] }),
    dnsQuery('sp\\032ace.example', DNS_TYPE.A, 7),
  ].map((query) => parseDns(writeDns(query)))
  const ids = new Set<number>()
  for (const query of queries) {
    const answer = writeDns(await resolver.resolve(query))
    const asked = server.queries.at(-1) as DnsMessage
    t.deepEqual(writeDns({ ...asked, id: 7 }), query.raw)
    t.is(answer.readUInt16BE(0), 7)
    t.deepEqual(answer.subarray(2), said.at(-1)?.subarray(2))
    ids.add(asked.id)
  }
  t.is(server.queries.length, queries.length)
  t.true(ids.size >= queries.length - 1)
})

test('a forged answer is dropped: another id, another question, another source, no answer at all', async (t) => {
  const forger = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => forger.close())
  const right = (query: DnsMessage, text: string) =>
    dnsReply(query, {
      answers: [{ name: 'a.example', type: DNS_TYPE.TXT, class: 1, ttl: 1, data: Buffer.from(`\x04${text}`) }],
    })
  const server = await nameServer(t, {
    udp: (query, say, from) => {
      forger.send(writeDns(right(query, 'evil')), from.port, from.address)
      say(writeDns({ ...right(query, 'evil'), id: query.id ^ 1 }))
      say(writeDns({ ...right(query, 'evil'), questions: [{ name: 'b.example', type: DNS_TYPE.TXT, class: 1 }] }))
      say(writeDns({ ...right(query, 'evil'), response: false }))
      say(writeDns({ ...right(query, 'evil'), questions: [] }))
      say(writeDns(dnsReply({ ...query, id: query.id ^ 1, questions: [] }, { rcode: 5 })))
      say(Buffer.concat([writeDns(right(query, 'evil')), Buffer.from('x')]))
      say(Buffer.alloc(0))
      setTimeout(say, 50, writeDns(right(query, 'good')))
    },
  })
  const answer = await resolverOf(t, { nameServers: [server.text] }).resolve(dnsQuery('a.example', DNS_TYPE.TXT, 7))
  t.deepEqual(answer.answers.map(recordText), ['"good"'])
})

test('a cut answer is asked for again by TCP; where that fails the cut one is better than none', async (t) => {
  const whole = (query: DnsMessage) =>
    dnsReply(query, {
      answers: [{ name: 'a.example', type: DNS_TYPE.TXT, class: 1, ttl: 1, data: Buffer.alloc(40_000) }],
    })
  const cut: Script['udp'] = (query, say) => say(writeDns(dnsReply(query, { truncated: true })))
  const server = await nameServer(t, { udp: cut, tcp: (query, say) => say(writeDns(whole(query))) })
  const liar = await nameServer(t, {
    udp: cut,
    tcp: (query, say) => say(writeDns({ ...whole(query), id: query.id ^ 1 })),
  })
  const ask = (text: string) => resolverOf(t, { nameServers: [text] }).resolve(dnsQuery('a.example', DNS_TYPE.TXT, 7))
  t.is((await ask(server.text)).answers[0]?.data.length, 40_000)
  t.like(await ask(liar.text), { truncated: true, answers: [] })
})

test('silence is asked again, and a server that refuses is followed by the second', async (t) => {
  let silent = true
  const server = await nameServer(t, {
    udp: (query, say) => {
      if (!silent) say(writeDns(dnsReply(query, { rcode: 5 })))
      silent = false
    },
  })
  const nobody = createSocket('udp4').bind(0, '127.0.0.1')
  await once(nobody, 'listening')
  const { port } = nobody.address()
  nobody.close()
  const resolver = resolverOf(t, { nameServers: [`127.0.0.1:${port}`, server.text] })
  silent = false
  t.is((await resolver.resolve(dnsQuery('a.example', DNS_TYPE.TXT, 7))).rcode, 5)
  silent = true
  t.is((await resolverOf(t, { nameServers: [server.text] }).resolve(dnsQuery('b.example', DNS_TYPE.TXT, 7))).rcode, 5)
  t.is(server.queries.length, 3)
  const alone = resolverOf(t, { nameServers: [`127.0.0.1:${port}`] })
  await t.throwsAsync(alone.resolve(dnsQuery('a.example', DNS_TYPE.TXT, 7)), {
    message: /127\.0\.0\.1 failed: .*ECONNREFUSED/,
  })
  await t.throwsAsync(alone.resolve(dnsQuery('a.example', DNS_TYPE.A, 7)), { message: /failed: .*ECONNREFUSED/ })
})

test('a chain of CNAMEs is kept, with the case of the question', async (t) => {
  const record = (name: string, target: string) => {
    const data = Buffer.concat(target.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])))
    return { name, type: DNS_TYPE.CNAME, class: 1, ttl: 9, data: Buffer.concat([data, Buffer.alloc(1)]) }
  }
  const { text } = await nameServer(t, {
    udp: (query, say) => {
      const [{ name = '' } = {}] = query.questions
      const chain = [record(name, 'b.example'), record('b.example', 'c.example')]
      say(writeDns(dnsReply(query, { answers: [...chain, aRecord('c.example', '192.0.2.1', 5)] })))
    },
  })
  const answer = await resolverOf(t, { nameServers: [text] }).resolve(dnsQuery('A.eXample', DNS_TYPE.A, 7))
  t.is(shown(answer), '0 9 b.example, 9 c.example, 5 192.0.2.1')
  t.is(answer.answers[0]?.name, 'A.eXample')
})

test('a name server that cannot answer is followed by the next; its answer counts where there is no other', async (t) => {
  const saying = (rcode: number) => nameServer(t, { udp: (query, say) => say(writeDns(dnsReply(query, { rcode }))) })
  const [broken, refuses] = [await saying(2), await saying(5)]
  const { text } = await nameServer(t, zone)
  const ask = async (nameServers: string[]) =>
    shown(await resolverOf(t, { nameServers }).resolve(dnsQuery('yes.example', DNS_TYPE.A, 7)))
  t.is(await ask([broken.text, refuses.text, text]), '0 1234 192.0.2.1')
  t.is(broken.queries.length, 1)
  t.is(await ask([refuses.text, broken.text]), '5 ')
  t.is(await ask([broken.text]), '2 ')
})

test('a name server that the system does not let us reach is an error at once, and no exception', async (t) => {
  const resolver = new Resolver({ nameServers: ['255.255.255.255'], useHostsFile: false })
  await t.throwsAsync(resolver.resolve(dnsQuery('example.org', DNS_TYPE.TXT, 1)), { message: /255\.255.*EACCES/ })
})

test('names of the inside are answered from there, whatever is asked', async (t) => {
  const inside = new Map([['mitm.it', ['10.0.0.53', 'fd6d:6964:7769:7265::53']]])
  const resolver = resolverOf(t, { inside: (name) => inside.get(name), isOurs: () => true })
  const ask = async (type: number) => shown(await resolver.resolve(dnsQuery('MITM.it', type, 9)))
  t.is(await ask(DNS_TYPE.A), '0 60 10.0.0.53')
  t.is(await ask(DNS_TYPE.AAAA), '0 60 fd6d:6964:7769:7265::53')
  t.is(await ask(DNS_TYPE.HTTPS), '0 ')
})

test('the hosts file comes first, and is read again when it changes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'midwire-hosts-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const hostsFile = join(folder, 'hosts')
  await writeFile(
    hostsFile,
    '192.0.2.7 Box.Example box # 192.0.2.8 no\r\n::7\tbox.example.\n192.0.2.9 box\nfe80::1%lo0 box\nnonsense box\n',
  )
  const { text } = await nameServer(t, zone)
  const resolver = resolverOf(t, { useHostsFile: true, hostsFile, nameServers: [text] })
  const ask = async (name: string, type: number = DNS_TYPE.A) => shown(await resolver.resolve(dnsQuery(name, type, 9)))
  t.is(await ask('box.EXAMPLE'), '0 60 192.0.2.7')
  t.is(await ask('box.example', DNS_TYPE.AAAA), '0 60 ::7')
  t.is(await ask('box'), '0 60 192.0.2.7, 60 192.0.2.9')
  // It is there, but has no such address: nobody else is asked.
  t.is(await ask('box', DNS_TYPE.AAAA), '0 ')
  t.is(await ask('other.example'), '0 1234 192.0.2.1')
  await writeFile(hostsFile, '192.0.2.77 other.example\n')
  await new Promise((done) => setTimeout(done, 2_100))
  t.is(await ask('other.example'), '0 60 192.0.2.77')
  t.is(await ask('box.example'), '0 1234 192.0.2.1')
  const without = resolverOf(t, { useHostsFile: false, hostsFile, nameServers: [text] })
  t.is(shown(await without.resolve(dnsQuery('other.example', DNS_TYPE.A, 9))), '0 1234 192.0.2.1')
  t.deepEqual([...parseHosts('').keys()], [])
})

test('without name servers the C library is asked for addresses, if the hosts file may be read', async (t) => {
  const ours = { isOurs: () => true }
  const found = await resolverOf(t, { ...ours, useHostsFile: true }).resolve(dnsQuery('localhost', DNS_TYPE.A, 9))
  t.is(shown(found), '0 60 127.0.0.1')
  const failure = { message: /no name server is known/ }
  await t.throwsAsync(
    resolverOf(t, { ...ours, useHostsFile: true }).resolve(dnsQuery('localhost', DNS_TYPE.TXT, 9)),
    failure,
  )
  await t.throwsAsync(resolverOf(t, ours).resolve(dnsQuery('localhost', DNS_TYPE.A, 9)), failure)
})

test('a thousand queries wait at most; closing ends them all', async (t) => {
  const server = await nameServer(t, { udp: () => {} })
  const resolver = resolverOf(t, { nameServers: [server.text] })
  const query = writeDns(dnsQuery('a.example', DNS_TYPE.TXT, 7))
  const answers = Array.from({ length: 1_001 }, () => resolver.answer(query))
  const last = await (answers[1_000] as Promise<unknown>)
  t.regex(String(last), /1000 queries are under way/)
  resolver.close()
  const messages = new Set((await Promise.all(answers.slice(0, 1_000))).map((error) => (error as Error).message))
  t.deepEqual([...messages], ['the name server 127.0.0.1 failed: midwire is closing'])
  t.regex(String(await resolver.answer(query)), /closing/)
  t.true((await resolver.answer(Buffer.from('nonsense'))) instanceof Error)
})

test('a name server that is no address is named', (t) => {
  for (const text of ['dns.example', '1.2.3', '1.2.3.4:0', '1.2.3.4:99999', '[1.2.3.4]:53', '::1:53:', '[::1]:x', '']) {
    t.throws(() => new Resolver({ nameServers: [text], useHostsFile: true }), { code: 'ERR_ARGUMENT' }, text)
  }
  t.deepEqual(parseNameServer('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 })
  t.deepEqual(parseNameServer('2001:db8::1'), { address: '2001:db8::1', port: 53 })
  t.deepEqual(parseNameServer('192.0.2.1:54'), { address: '192.0.2.1', port: 54 })
})
