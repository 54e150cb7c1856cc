// Option `tls_fail_open`: a client that refuses our certificate reaches the server itself next time, for an hour.
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { type ClientConnection, MidwireError } from '../../src/index.js'
import { Distrust } from '../../src/proxy/distrust.js'
import { FailOpen } from '../../src/proxy/fail-open.js'
import { type Running, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'

const HOUR = 3_600_000

const clientAt = (address: string, more: Partial<ClientConnection> = {}): ClientConnection => ({
  ...{ id: 'x', transport: 'tcp', mode: 'regular', explicit: true },
  remote: { address, port: 7, family: 4 },
  local: { address: '127.0.0.1', port: 2, family: 4 },
  ...more,
})

function begin(option: string) {
  const clock = { now: 1_000 }
  const log: string[] = []
  const memory = new FailOpen(
    option,
    (level, message) => log.push(`${level} ${message}`),
    () => clock.now,
  )
  /** A connection of a client, which refuses our certificate where it does not pass. True where it passes. */
  const comes = (address: string, host = 'a.test', more: Partial<ClientConnection> = {}) => {
    const client = clientAt(address, more)
    const passes = memory.passes(client, host, 443)
    if (!passes) memory.refused(client)
    return passes
  }
  return { clock, log, memory, comes }
}

test('a client passes for the name that it has refused us for, and for an hour', (t) => {
  const { clock, log, memory, comes } = begin('on')
  t.false(comes('192.0.2.1'))
  t.deepEqual(memory.list(), [{ client: '192.0.2.1', name: 'a.test', until: 1_000 + HOUR }])
  t.deepEqual(log, [
    "info 192.0.2.1:7: a.test: this client's connections to that name are not decrypted for an hour, from the next one on (tls_fail_open)",
  ])
  t.true(comes('192.0.2.1', 'A.test'))
  t.false(memory.passes(clientAt('192.0.2.1'), 'b.test', 443))
  t.false(memory.passes(clientAt('192.0.2.2'), 'a.test', 443))
  clock.now += HOUR - 1
  t.true(comes('192.0.2.1'))
  clock.now += 1
  t.deepEqual(memory.list(), [])
  t.false(comes('192.0.2.1'))
  t.true(comes('192.0.2.1'))
})

test('a peer of a tunnel is one client, whatever its address; another peer at that address is none', (t) => {
  const { memory, comes } = begin('on')
  t.false(comes('10.0.0.1', 'a.test', { peer: { publicKey: 'one', name: 'phone' } }))
  t.true(comes('fd00::1', 'a.test', { peer: { publicKey: 'one' } }))
  t.false(memory.passes(clientAt('10.0.0.1', { peer: { publicKey: 'two' } }), 'a.test', 443))
  t.deepEqual(
    memory.list().map(({ client }) => client),
    ['phone'],
  )
})

test('the option is a filter, which is asked about a CONNECT to the name', (t) => {
  const { memory, comes } = begin('~d a.test & ~m CONNECT & ~dst :443')
  t.false(comes('192.0.2.1'))
  t.true(comes('192.0.2.1'))
  for (const host of ['b.test', '2001:db8::1'])
    for (let time = 0; time < 2; time += 1) t.false(comes('192.0.2.1', host))
  memory.configure('~d b.test')
  t.false(comes('192.0.2.1'))
  memory.configure('off')
  t.false(comes('192.0.2.1'))
  const wrong = {
    instanceOf: MidwireError,
    code: 'ERR_OPTION',
    message: /^tls_fail_open: (?!filter)/,
  }
  t.throws(() => memory.configure('~nonsense'), wrong)
  t.throws(() => begin('(a'), wrong)
})

test('what is remembered is bounded, and can be forgotten', (t) => {
  const { memory, comes } = begin('on')
  for (let count = 0; count < 10_001; count += 1) comes('192.0.2.1', `${count}.test`)
  t.is(memory.list().length, 10_000)
  t.false(memory.passes(clientAt('192.0.2.1'), '0.test', 443))
  t.true(memory.passes(clientAt('192.0.2.1'), '1.test', 443))
  const open = clientAt('192.0.2.1')
  memory.passes(open, 'late.test', 443)
  memory.clear()
  memory.refused(open)
  t.deepEqual(memory.list(), [])
})

test('alerts are a sign in any case; leaving early is one only of clients that have never spoken to that name', (t) => {
  let signs = 0
  const distrust = new Distrust(
    'get.test',
    () => {},
    () => {
      signs += 1
    },
  )
  const signsOf = (work: () => void) => {
    signs = 0
    work()
    return signs
  }
  const error = (code: string) => Object.assign(new Error(code), { code })
  const client = clientAt('192.0.2.1', { tls: { sni: 'a.test', establishedAt: 1 }, closedAt: 500 })
  const early = () => {
    distrust.failed(error('ECONNRESET'), client)
    distrust.left(client, false)
  }
  t.is(signsOf(early), 2)
  t.is(
    signsOf(() => distrust.left({ ...client, closedAt: 5_000 }, false)),
    0,
  )
  t.is(
    signsOf(() => distrust.failed(error('ERR_SSL_NO_SHARED_CIPHER'), client)),
    0,
  )
  distrust.left(client, true)
  t.is(signsOf(early), 0)
  const alert = error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')
  t.is(
    signsOf(() => distrust.failed(alert, client)),
    1,
  )
  t.is(
    signsOf(() => distrust.lost(alert, client)),
    1,
  )
})

/** The subject of the certificate that a client without trust sees, and its socket. */
async function look(t: ExecutionContext, running: Running, port: number): Promise<[issuer: string, TLSSocket]> {
  const { socket } = await tunnel(t, running, port)
  socket.removeAllListeners('data')
  const secured = connect({ socket, servername: 'upstream.test', rejectUnauthorized: false })
  t.teardown(() => secured.destroy())
  await once(secured, 'secureConnect')
  const { issuer } = secured.getPeerCertificate()
  return [`${issuer.CN}`, secured]
}

test("a client without trust fails once, and then reaches the server's own certificate", async (t) => {
  const seen: string[] = []
  const running = await startProxy(t, { options: { tls_fail_open: '~d upstream.test' } })
  running.proxy.on('tls_clienthello', () => {
    seen.push('hello')
  })
  const port = await tlsServer(t)
  const { socket } = await tunnel(t, running, port)
  socket.removeAllListeners('data')
  await once(connect({ socket, servername: 'upstream.test' }), 'error')
  await running.logged(/are not decrypted for an hour/)
  const [{ client, name } = {}] = running.proxy.passedThrough
  t.deepEqual([client, name], ['127.0.0.1', 'upstream.test'])

  const [issuer, secured] = await look(t, running, port)
  t.notRegex(issuer, /midwire/i)
  secured.write('GET / HTTP/1.1\r\n\r\n')
  t.regex(String((await once(secured, 'data'))[0]), /answer/)
  secured.destroy()
  const flow = await running.flow('tcp')
  t.regex(flow.comment, /the client does not trust our certificate for upstream\.test \(tls_fail_open\)/)
  t.is(flow.metadata.tls_fail_open, 'upstream.test')
  t.is(flow.error, undefined)
  t.deepEqual(seen, ['hello', 'hello'])

  running.proxy.clearPassedThrough()
  t.deepEqual(running.proxy.passedThrough, [])
  const client2 = await tlsTunnel(t, running, port)
  t.regex(`${client2.socket.getPeerCertificate().issuer.CN}`, /midwire/i)
})

test('while the option is off nothing is remembered; a wrong filter is refused when it is set', async (t) => {
  const running = await startProxy(t)
  const port = await tlsServer(t)
  const { socket } = await tunnel(t, running, port)
  socket.removeAllListeners('data')
  await once(connect({ socket, servername: 'upstream.test' }), 'error')
  await running.logged(/if it does not trust our certificate/)
  t.deepEqual(running.proxy.passedThrough, [])
  t.throws(() => running.proxy.options.set('tls_fail_open', '~nonsense'), { code: 'ERR_OPTION' })
  t.is(running.proxy.options.get('tls_fail_open'), 'off')
})
