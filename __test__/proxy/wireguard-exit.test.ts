// Connections that leave by a WireGuard tunnel whose client midwire is, with its other end in the same process.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { generatePrivateKey, publicKey } from '../../src/index.js'
import { CLIENT, confFile, type FarEndOptions, farEnd, NAME_SERVER } from '../support/far-end.js'
import { hosts, nameServer } from '../support/name-server.js'
import { ok, type Running, startProxy, tlsServer } from '../support/proxy.js'
import { dial, listen, Talk } from '../support/talk.js'

/** A server of HTTP that answers every request with this text. */
const answering = (t: ExecutionContext, body = 'answer') =>
  listen(t, async (talk) => {
    while (await talk.hears('\r\n\r\n').catch(() => undefined)) talk.says(ok(body))
  })

/** A request by the proxy, and all of its answer that tells anything. */
async function ask(t: ExecutionContext, running: Running, authority: string): Promise<string> {
  const talk = await dial(t, running.port)
  talk.says(`GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`)
  return talk.hearsAll()
}

/** A far end with a server of HTTP at `10.7.0.1:80`, and a proxy that leaves by it. */
async function both(t: ExecutionContext, options: FarEndOptions = {}, changes: Record<string, string> = {}) {
  const { port } = await answering(t)
  const far = await farEnd(t, { ...options, servers: { '10.7.0.1 80': port, ...options.servers } })
  const path = confFile(t, far.text(changes))
  const running = await startProxy(t, { modes: [`regular@0 via wireguard:${path}`] })
  return { far, path, running }
}

test('HTTP and HTTPS, by address, from the address of the tunnel, which is started once', async (t) => {
  const far = await farEnd(t, {
    servers: { '10.7.0.1 80': (await answering(t)).port, 'fd00:7::1 443': await tlsServer(t) },
  })
  const path = confFile(t, far.text())
  // connect_addr is for what leaves by this machine's sockets.
  const options = { connect_addr: '127.0.0.1' }
  const running = await startProxy(t, { modes: [`regular@0 via wireguard:${path}`], options })
  t.regex(await ask(t, running, '10.7.0.1'), /^HTTP\/1.1 200 OK.*answer$/s)
  t.regex(await ask(t, running, '10.7.0.1'), /answer$/)
  const talk = await dial(t, running.port)
  talk.says('CONNECT [fd00:7::1]:443 HTTP/1.1\r\nHost: [fd00:7::1]:443\r\n\r\n')
  t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1.1 200/)
  const secured = await tlsOver(talk, running)
  secured.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  t.regex(await secured.hears('answer'), /200 OK/)
  t.deepEqual([...new Set(far.seen)], [`10.7.0.1 80 from ${CLIENT.v4}`, `fd00:7::1 443 from ${CLIENT.v6}`])
  const { server } = await running.flow('http')
  t.deepEqual(server?.via, [`wireguard:${path}`])
  t.deepEqual(server?.remote, { address: '10.7.0.1', port: 80, family: 4 })
  t.is(server?.local?.address, CLIENT.v4)
})

async function tlsOver(talk: Talk, { proxy }: Running): Promise<Talk<TLSSocket>> {
  talk.socket.removeAllListeners('data')
  const socket = connect({ socket: talk.socket, ca: proxy.authority.pem, servername: 'upstream.test' })
  const secured = new Talk(socket)
  await once(socket, 'secureConnect')
  return secured
}

test("names are asked of the file's name server, through the tunnel, and by TCP where an answer is cut", async (t) => {
  const many = Array.from({ length: 40 }, (_, index) => `10.8.0.${index + 1}`)
  const { far, running } = await both(
    t,
    {
      names: { 'inside.test': ['10.7.0.1'], 'many.test': ['10.7.0.1', ...many], 'printer.corp.test': ['10.7.0.1'] },
    },
    { DNS: `${NAME_SERVER}, corp.test` },
  )
  t.regex(await ask(t, running, 'inside.test'), /answer$/)
  t.deepEqual(far.asked.sort(), ['udp A inside.test', 'udp AAAA inside.test'])
  t.regex(await ask(t, running, 'many.test'), /answer$/)
  t.true(far.asked.includes('tcp A many.test'))
  t.regex(await ask(t, running, 'printer'), /answer$/)
  t.true(far.asked.includes('udp A printer.corp.test'))
  t.regex(await ask(t, running, 'nobody.test'), /502.*nobody\.test:80: there is no such name/s)
})

test('without a name server in the file that the tunnel leads to, names are looked up as others are', async (t) => {
  const { text } = await nameServer(t, hosts({ 'inside.test': ['10.7.0.1', '2001:db8::1'] }))
  const far = await farEnd(t, { servers: { '10.7.0.1 80': (await answering(t)).port } })
  const changes = { AllowedIPs: '10.0.0.0/8', Address: CLIENT.v4 }
  for (const DNS of ['', '192.0.2.53', 'fd00:9::53']) {
    const way = `wireguard:${confFile(t, far.text({ ...changes, DNS }))}`
    const options = { dns_name_servers: [text] }
    const running = await startProxy(t, { modes: [`regular@0 via ${way}`], options })
    t.regex(await ask(t, running, 'inside.test'), /answer$/, DNS)
    await running.proxy.close()
  }
  t.deepEqual(far.asked, [])
})

test('refused ports, missing routes and missing families are each a sentence', async (t) => {
  const { running, path } = await both(t, {}, { AllowedIPs: '10.0.0.0/8, fd00::/8', Address: CLIENT.v4 })
  t.regex(await ask(t, running, '10.7.0.1:81'), /502.*10\.7\.0\.1:81: the connection was refused/s)
  t.regex(await ask(t, running, '192.0.2.1'), /502.*no AllowedIPs of its file have 192\.0\.2\.1/s)
  t.regex(await ask(t, running, '[fd00:7::1]'), /502.*its file has no IPv6 Address/s)
  t.regex(await ask(t, running, '127.0.0.1:1'), /502.*does not lead there/s)
  t.true((await ask(t, running, '192.0.2.1')).includes(`wireguard:${path}`))
})

test('datagrams, to a server that answers and to one that refuses', async (t) => {
  const far = await farEnd(t, { echo: ['10.7.0.1 7', 'fd00:7::1 7'] })
  const way = `wireguard:${confFile(t, far.text())}`
  const running = await startProxy(t, {
    modes: [
      `reverse:udp://10.7.0.1:7@0 via ${way}`,
      `reverse:udp://[fd00:7::1]:7@0 via ${way}`,
      `reverse:udp://10.7.0.1:9@0 via ${way}`,
      `reverse:udp://[fd00:7::1]:9@0 via ${way}`,
    ],
  })
  const sockets = running.proxy.listeners.map(({ port }) => {
    const socket = createSocket('udp4')
    t.teardown(() => socket.close())
    return { say: (text: string) => socket.send(text, port, '127.0.0.1'), heard: once(socket, 'message') }
  })
  for (const { say } of sockets) say('hello')
  const heard = await Promise.all(sockets.slice(0, 2).map(async (one) => String((await one.heard)[0])))
  t.deepEqual(heard, [`hello from ${CLIENT.v4}`, `hello from ${CLIENT.v6}`])
  const failed = [await running.flow('udp', 0), await running.flow('udp', 1)]
  t.deepEqual(
    failed.map(({ error }) => error?.message),
    Array(2).fill('the server refuses what is sent to it (ECONNREFUSED)'),
  )
})

test('a proxy behind the tunnel is reached through it', async (t) => {
  const server = await answering(t)
  const socks = await startProxy(t, { modes: ['socks5@0'] })
  const far = await farEnd(t, { servers: { '10.7.0.9 1080': socks.port } })
  const running = await startProxy(t, {
    modes: [`regular@0 via wireguard:${confFile(t, far.text())},socks5://10.7.0.9`],
  })
  t.regex(await ask(t, running, `127.0.0.1:${server.port}`), /answer$/)
  t.deepEqual(far.seen, [`10.7.0.9 1080 from ${CLIENT.v4}`])
})

test('two tunnels with the same addresses inside do not disturb each other', async (t) => {
  const ends = await Promise.all(
    ['first', 'second'].map(async (body) => {
      const far = await farEnd(t, { servers: { '10.7.0.1 80': (await answering(t, body)).port } })
      return { far, path: confFile(t, far.text()) }
    }),
  )
  const [first, second] = ends.map(({ path }) => path)
  const running = await startProxy(t, {
    options: { via: [`|~u /|wireguard:${first}`] },
    addons: [
      {
        requestheaders(flow) {
          if (flow.request.headers.get('x-way') === 'second') flow.via = `wireguard:${second}`
        },
      },
    ],
  })
  const get = async (way: string) => {
    const talk = await dial(t, running.port)
    talk.says(`GET http://10.7.0.1/ HTTP/1.1\r\nHost: 10.7.0.1\r\nX-Way: ${way}\r\nConnection: close\r\n\r\n`)
    return (await talk.hearsAll()).replace(/^.*\r\n\r\n/s, '')
  }
  const ways = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'first' : 'second'))
  t.deepEqual(await Promise.all(ways.map(get)), ways)
})

test('a tunnel whose other end is not there, or has other keys, says so', async (t) => {
  const { far, running, path } = await both(t, {}, { PublicKey: publicKey(generatePrivateKey()) })
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const { port } = socket.address()
  const silent = confFile(t, far.text({ Endpoint: `localhost:${port}` }))
  const deaf = await startProxy(t, {
    modes: [`regular@0 via wireguard:${silent}`, `reverse:udp://10.7.0.1:7@0 via wireguard:${silent}`],
  })
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  client.send('hello', deaf.proxy.listeners[1]?.port ?? 0, '127.0.0.1')
  const answers = await Promise.all([
    ask(t, running, '10.7.0.1'),
    ask(t, running, 'inside.test'),
    ask(t, deaf, '10.7.0.1'),
    deaf.flow('udp').then(({ error }) => error?.message ?? ''),
  ])
  const [wrongKeys, name, nobody, datagrams] = answers.map((answer) => answer.replaceAll('&#39;', "'"))
  const keys = 'does not answer: are its endpoint and the keys right?'
  const farPort = /Endpoint = 127.0.0.1:(\d+)/.exec(far.text())?.[1]
  t.true(
    wrongKeys?.includes(`10.7.0.1:80: the other end of the tunnel wireguard:${path}, 127.0.0.1:${farPort}, ${keys}`),
  )
  t.true(name?.includes(`inside.test:80: the other end of the tunnel wireguard:${path}, 127.0.0.1:${farPort}, ${keys}`))
  t.regex(nobody ?? '', new RegExp(`localhost:${port} \\((127\\.0\\.0\\.1|::1)\\), does not answer`))
  t.regex(datagrams ?? '', new RegExp(`the other end of the tunnel .*localhost:${port} .* does not answer`))
})

test('the other end goes and comes back', async (t) => {
  t.timeout(120_000)
  const { far, running } = await both(t)
  t.regex(await ask(t, running, '10.7.0.1'), /answer$/)
  await far.stop()
  await far.again()
  // The connection before was reset, so that this is one of its own. The next handshake comes after 15 s, and where a SYN has just gone
  // before that, the one after it comes too late for the first attempt.
  const first = await ask(t, running, '10.7.0.1')
  t.regex(/answer$/.test(first) ? first : await ask(t, running, '10.7.0.1'), /answer$/)
  t.is(far.seen.length, 2)
})

test('with the proxy the tunnel ends, and the connections in it', async (t) => {
  const server = await listen(t)
  const { running, far } = await both(t, { servers: { '10.7.0.1 5000': server.port } })
  const talk = await dial(t, running.port)
  talk.says('CONNECT 10.7.0.1:5000 HTTP/1.1\r\nHost: 10.7.0.1:5000\r\n\r\n')
  await talk.hears('\r\n\r\n')
  talk.says('hello')
  await (await server.talk(0)).hears('hello')
  await running.proxy.close()
  t.is((await (await server.talk(0)).gone())?.code, 'ECONNRESET')
  t.is(far.server.connections, 0)
})

test('a file that has changed makes a new tunnel; one that is wrong then does not', async (t) => {
  const { running, path, far } = await both(t)
  const other = await farEnd(t, { servers: { '10.7.0.1 80': (await answering(t, 'other')).port } })
  t.regex(await ask(t, running, '10.7.0.1'), /answer$/)
  /** Asks until the proxy has looked at the file. */
  const until = async (sign: RegExp) => {
    const logged = running.logged(sign).then(() => true)
    while (!(await Promise.race([logged, ask(t, running, '10.7.0.1').then(() => false)])));
  }
  writeFileSync(path, '[Interface]\nPrivateKey =')
  await until(/client\.conf, line 2: PrivateKey is not .*; wireguard:.* stays as it was/)
  t.regex(await ask(t, running, '10.7.0.1'), /answer$/)
  writeFileSync(path, other.text())
  await until(/client\.conf has changed: wireguard:.* is started anew/)
  t.regex(await ask(t, running, '10.7.0.1'), /other$/)
  t.is(far.server.connections, 0)
})

test('a file that is wrong: of a mode and of the option at once, of a hook with its flow', async (t) => {
  const wrong = confFile(t, 'not a file')
  const message = /client\.conf, line 1: this is neither a section nor Key = value/
  const refused = { code: 'ERR_WIREGUARD_CONF', message } as const
  await t.throwsAsync(startProxy(t, { modes: [`regular@0 via wireguard:${wrong}`] }), refused)
  await t.throwsAsync(startProxy(t, { options: { via: [`wireguard:${wrong}`] } }), refused)
  await t.throwsAsync(startProxy(t, { options: { via: ['wireguard:/nonexistent/a.conf'] } }), {
    code: 'ERR_WIREGUARD_CONF',
    message: '/nonexistent/a.conf: there is no such file',
  })
  const { path, running } = await both(t)
  t.throws(() => running.proxy.options.set('via', [`wireguard:${wrong}`]), refused)
  await t.throwsAsync(running.proxy.setModes([`regular@0 via wireguard:${wrong}`]), refused)
  // A file that has gone wrong since is no fault of other options.
  running.proxy.options.set('via', [`wireguard:${path}`])
  writeFileSync(path, 'nothing')

  t.notThrows(() => running.proxy.options.set('tcp_timeout', 100))

  const hooked = await startProxy(t, {
    addons: [
      {
        requestheaders(flow) {
          flow.via = `wireguard:${wrong}`
        },
      },
    ],
  })
  t.regex(await ask(t, hooked, '10.7.0.1'), /502.*10\.7\.0\.1:80: .*client\.conf, line 1/s)
})

test('what has no effect, and who may read the file, is said once', async (t) => {
  const far = await farEnd(t, { servers: { '10.7.0.1 80': (await answering(t)).port } })
  const path = confFile(t, far.text().replace('[Interface]', '[Interface]\nTable = off\nPostUp = true'), 0o644)
  const running = await startProxy(t, { modes: [`regular@0 via wireguard:${path}`] })
  await ask(t, running, '10.7.0.1')
  await ask(t, running, '10.7.0.1')
  const lines = running.log
    .filter(({ message }) => message.startsWith(path))
    .map(({ level, message }) => `${level} ${message}`)
  const expected = [`info ${path}: Table, PostUp have no effect here`]
  if (process.platform !== 'win32') {
    expected.unshift(`warn ${path} holds private keys, and others may read it: chmod 600 it`)
  }
  t.deepEqual(lines, expected)
})
