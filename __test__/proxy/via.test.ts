// The option `via` with real connections: two midwires, one of which is the proxy on the way out of the other.
import test, { type ExecutionContext } from 'ava'
import type { LogEntry } from '../../src/hooks.js'
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

test('a proxy that cannot be reached is named, whether it forwards, connects, or is midwire itself', async (t) => {
  const running = await startProxy(t)
  const said = async (way: string, request: string) => {
    running.proxy.options.set('via', [way])
    const talk = await dial(t, running.port)
    talk.says(request)
    await talk.hears('midwire: ')
    return talk.hears('\n')
  }
  const connect = 'CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n'
  const plain = 'GET http://upstream.test/ HTTP/1.1\r\nHost: upstream.test\r\n\r\n'
  for (const request of [connect, plain]) {
    const refused = 'the proxy http://u@127.0.0.1:1 cannot be reached: 127.0.0.1:1: the connection was refused'
    t.true((await said('http://u:secret@127.0.0.1:1', request)).includes(refused))
    const way = `http://127.0.0.1:${running.port}`
    t.regex(await said(way, request), new RegExp(`the proxy ${way} cannot be reached: .* is midwire itself`))
  }
  const server = await listen(t, (talk) => talk.says('220 this is no TLS\r\n'))
  const way = `https://127.0.0.1:${server.port}`
  t.regex(await said(way, connect), new RegExp(`the proxy ${way}: TLS with 127.0.0.1 has failed`))
})

test('the refusal of a proxy is told once, with its name and status, where there is no request that could fail', async (t) => {
  const proxy = await listen(t, async (talk) => {
    await talk.hears('\r\n\r\n')
    talk.says('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
  })
  const lines: string[] = []
  const sink = { name: 'noting', log: ({ message }: LogEntry) => void lines.push(message) }
  const running = await startProxy(t, { sinks: [sink], options: { via: [`http://127.0.0.1:${proxy.port}`] } })
  const talk = await dial(t, running.port)
  talk.says(Buffer.from([5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 99]))
  await talk.hearsAll()
  const refused = `the proxy http://127.0.0.1:${proxy.port} has not connected to 192.0.2.1:99: it answers 403 No`
  t.is(lines.filter((line) => line.includes(refused)).length, 1)
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
