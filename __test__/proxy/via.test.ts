// The option `via` with real connections: two midwires, one of which is the proxy on the way out of the other.
import test, { type ExecutionContext } from 'ava'
import { get, ok, startProxy, tlsServer, tlsTunnel } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

const GET = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

const answering = (t: ExecutionContext) =>
  listen(t, async (talk) => {
    while (await talk.hears('\r\n\r\n').catch(() => undefined)) talk.says(ok('answer'))
  })

/** Two midwires, and the places that the second was asked for. */
async function two(t: ExecutionContext, rules: (way: string) => string[]) {
  const asked: string[] = []
  const second = await startProxy(t, {
    modes: ['socks5@0'],
    addons: [{ server_connect: ({ server }) => void asked.push(`${server.host}:${server.port}`) }],
  })
  const first = await startProxy(t, { options: { via: rules(`socks5://127.0.0.1:${second.port}`) } })
  return { first, asked }
}

test('requests leave by the rule that they match, others directly', async (t) => {
  const server = await answering(t)
  const { first, asked } = await two(t, (way) => [`|~u /by-proxy|${way}`])
  const talk = await dial(t, first.port)
  talk.says(get(server.port, '/straight'))
  await talk.hears('answer')
  t.deepEqual(asked, [])
  talk.says(get(server.port, '/by-proxy'))
  await talk.hears('answer')
  t.deepEqual(asked, [`127.0.0.1:${server.port}`])
  talk.says(get(server.port, '/straight'))
  await talk.hears('answer')
  t.is(asked.length, 1)
  t.is(server.talks.length, 2, 'both connections are kept')
})

test('a rule by the name in TLS, which is known only after the connection is open', async (t) => {
  const port = await tlsServer(t)
  const { first, asked } = await two(t, (way) => [`|~d ^upstream.test$|${way}`])
  for (const [servername, expected] of [
    ['other.test', 0],
    ['upstream.test', 1],
  ] as const) {
    const talk = await tlsTunnel(t, first, port, { servername, checkServerIdentity: () => undefined })
    t.is(asked.length, expected)
    talk.says(GET.replace('upstream.test', servername))
    t.regex(await talk.hears('answer'), /200 OK/)
    t.is(asked.length, expected)
  }
})

test('the option can be changed while midwire runs, and a wrong entry changes nothing', async (t) => {
  const server = await answering(t)
  const { first, asked } = await two(t, (way) => [way])
  const ask = async () => {
    const talk = await dial(t, first.port)
    talk.says(get(server.port))
    await talk.hears('answer')
    return asked.length
  }
  t.is(await ask(), 1)
  t.throws(() => first.proxy.options.set('via', ['direct', 'ftp://x']), { code: 'ERR_VIA', message: /^via entry 2, / })
  t.throws(() => first.proxy.options.set('via', ['/~nothing/direct']), { code: 'ERR_FILTER', message: /entry 1, / })
  t.is(first.proxy.options.get('via')?.toString().startsWith('socks5://'), true)
  first.proxy.options.set('via', ['/~src ./direct', 'socks5://127.0.0.1:1'])
  t.is(await ask(), 1)
  await t.throwsAsync(startProxy(t, { options: { via: ['/~d a'] } }), { code: 'ERR_VIA' })
})
