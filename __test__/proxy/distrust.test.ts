// Clients that have shaken hands and leave without a request: the user is told that it may be the certificate, once.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'node:tls'
import test from 'ava'
import { Distrust } from '../../src/proxy/distrust.js'
import { type Running, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'

const options = { termlog_verbosity: 'debug', onboarding_host: 'get.test' } as const
const HINT =
  /^127\.0\.0\.1:\d+: upstream\.test: the client closed the connection after the handshake, without a word; if it does not trust our certificate: install midwire's certificate in the client, from http:\/\/get\.test$/
/** Its FIN may come before the last word of its handshake does. */
const ANY_HINT = /install midwire's certificate in the client, from http:\/\/get\.test$/
const SILENT = /the client closed the connection after the handshake, without a word/

/** The client's last word of the handshake has arrived. */
const finished = () => setTimeout(50)

const levels = (running: Running) => running.log.filter(({ message }) => SILENT.test(message)).map(({ level }) => level)

test('a client that looks at the certificate after the handshake, as Node does: a hint', async (t) => {
  const running = await startProxy(t, { options })
  const port = await tlsServer(t)
  const { socket } = await tunnel(t, running, port)
  socket.removeAllListeners('data')
  const [error] = await once(connect({ socket, servername: 'upstream.test' }), 'error')
  t.regex(String(error.code), /UNABLE_TO|SELF_SIGNED/)
  t.regex((await running.logged(ANY_HINT)).message, /upstream\.test/)
})

test('the hint comes once for each name', async (t) => {
  const running = await startProxy(t, { options })
  const port = await tlsServer(t)
  for (const servername of ['upstream.test', 'upstream.test', 'other.test']) {
    const client = await tlsTunnel(t, running, port, { servername, checkServerIdentity: () => undefined })
    await finished()
    client.socket.destroy()
    await setTimeout(100)
  }
  t.deepEqual(levels(running), ['info', 'debug', 'info'])
  t.regex(running.log.find(({ level }) => level === 'info')?.message ?? '', HINT)
})

test('a client that has spoken to that name trusts us: what it opens and does not need is no sign', async (t) => {
  const running = await startProxy(t, { options })
  const port = await tlsServer(t)
  const client = await tlsTunnel(t, running, port)
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\nConnection: close\r\n\r\n')
  await client.hears('answer')
  client.socket.destroy()
  await running.flow('http')
  await setTimeout(50)
  t.deepEqual(levels(running), [])
  const other = await tlsTunnel(t, running, port)
  await finished()
  other.socket.destroy()
  t.is((await running.logged(SILENT)).level, 'debug')
})

test('a connection that was opened in advance, and not needed', async (t) => {
  const running = await startProxy(t, { options })
  const client = await tlsTunnel(t, running, await tlsServer(t))
  await setTimeout(1_100)
  client.socket.destroy()
  const entry = await running.logged(SILENT)
  t.is(entry.level, 'debug')
  t.notRegex(entry.message, /certificate/)
})

test('what ends with the proxy is no sign', async (t) => {
  const running = await startProxy(t, { options })
  await tlsTunnel(t, running, await tlsServer(t))
  await finished()
  await running.proxy.close()
  t.deepEqual(levels(running), [])
})

test('an alert that comes after the handshake: a warning, once', (t) => {
  const log: string[] = []
  const distrust = new Distrust(
    'get.test',
    (level, message) => log.push(`${level} ${message}`),
    () => {},
  )
  const remote = { address: '10.0.0.1', port: 7, family: 4 } as const
  const client = { id: '', transport: 'tcp', remote, local: remote, mode: 'wireguard', tls: { sni: 'a.test' } } as const
  const error = Object.assign(new Error('80BC:error:...'), {
    code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    reason: 'tlsv1 alert unknown ca',
  })
  const why =
    "the client does not trust our certificate: install midwire's certificate in the client, from http://get.test"
  for (let time = 0; time < 2; time += 1) t.is(distrust.lost(error, client), why)
  t.deepEqual(log, [`warn 10.0.0.1:7: a.test: ${why}`])
  t.is(distrust.lost(new Error('read ECONNRESET'), client), 'the client was lost: read ECONNRESET')
})

test('what is known of one client says nothing of another', (t) => {
  const said: string[] = []
  const distrust = new Distrust(
    'get.test',
    (level) => said.push(level),
    () => {},
  )
  const leave = (address: string, hasSpoken = false) =>
    distrust.left(
      {
        ...{ id: 'x', transport: 'tcp', mode: 'regular', explicit: true, closedAt: 1 },
        remote: { address, port: 1, family: 4 },
        local: { address: '127.0.0.1', port: 2, family: 4 },
        tls: { sni: 'a.test', establishedAt: 1 },
      },
      hasSpoken,
    )
  leave('192.0.2.1')
  leave('192.0.2.1')
  leave('192.0.2.2', true)
  leave('192.0.2.3')
  leave('192.0.2.2')
  t.deepEqual(said, ['info', 'debug', 'info', 'debug'])
})
