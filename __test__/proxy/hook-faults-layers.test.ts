// Addons that fail in hooks of SOCKS, TLS, CONNECT, UDP and DNS, and of what ends: the addon is named, what the hook is about fails or goes on, and the next is served.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { Addon, AnyFlow, HookName, MidwireOptions, Socks5AuthHook } from '../../src/index.js'
import { associate } from '../support/associate.js'
import { dnsClient, queryFor, type Transport } from '../support/dns-client.js'
import { FAULTS, reasonOf } from '../support/faults.js'
import { hosts, nameServer, shown } from '../support/name-server.js'
import { type Running, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { dial, freePort, listen } from '../support/talk.js'
import { echo, udpTalk } from '../support/udp-talk.js'

/** A proxy, and what a client of it gets: once while the addon fails, and once when it does not. */
interface Play {
  readonly given?: MidwireOptions
  readonly tries: (running: Running, number: number) => Promise<unknown>
}

interface Row {
  readonly name: HookName
  /** What is behind the name of the hook in the title of the test. */
  readonly how?: string
  play(t: ExecutionContext): Promise<Play>
  /** What the addon has done before it fails, and does where it does not. */
  readonly says?: (subject: never) => void
  readonly fails: unknown
  readonly serves: unknown
  /** The flow that has the error; undefined where there is none, or where it goes on. */
  readonly flow?: AnyFlow['type']
}

const only = (tries: Play['tries'], given?: MidwireOptions): Play => ({ tries, ...(given && { given }) })

async function plainServer(t: ExecutionContext): Promise<number> {
  const { port } = await listen(t, ({ socket }) => socket.once('data', () => socket.write('answer')))
  return port
}

/** SOCKS5 with a password, and then a word. */
async function bySocks(t: ExecutionContext): Promise<Play> {
  const port = await plainServer(t)
  const tries = async (running: Running) => {
    const talk = await dial(t, running.port)
    talk.says(Buffer.from([5, 1, 2]))
    await talk.hearsOctets(2)
    talk.says(Buffer.from([1, 1, 97, 1, 98]))
    const [, refused] = await talk.hearsOctets(2)
    if (refused !== 0) return (await talk.hearsAll()) === '' && 'refused'
    talk.says(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]))
    await talk.hearsOctets(10)
    talk.says('\0hello')
    return (await talk.hears('answer')) && 'served'
  }
  return only(tries, { modes: ['socks5@0'] })
}

async function byTls(t: ExecutionContext): Promise<Play> {
  const port = await tlsServer(t)
  return only(async (running) => {
    const talk = await tlsTunnel(t, running, port)
    talk.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
    return (await talk.hears('answer')).split('\r\n')[0]
  })
}

/** A client that does not trust midwire. The server is asked for nothing. */
async function byDistrust(t: ExecutionContext): Promise<Play> {
  const port = await freePort()
  const tries = async (running: Running) => {
    const { socket } = await tunnel(t, running, port)
    socket.removeAllListeners('data')
    const secured = connectTls({ socket, ca: [], servername: 'upstream.test' })
    return new Promise((settle) => secured.once('error', ({ code }: NodeJS.ErrnoException) => settle(code)))
  }
  return only(tries, { options: { connection_strategy: 'lazy' } })
}

/** A server that does not speak TLS. */
async function byWrongServer(t: ExecutionContext): Promise<Play> {
  const { port } = await listen(t, ({ socket }) => socket.once('data', () => socket.write('this is no TLS\r\n\r\n')))
  return only(async (running) => {
    const talk = await tlsTunnel(t, running, port)
    talk.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
    return (await talk.hears('\r\n')).trim()
  })
}

async function connects(t: ExecutionContext, { port }: Running, to: number): Promise<string> {
  const talk = await dial(t, port)
  talk.says(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: a\r\n\r\n\0hello`)
  const head = await talk.hears('\r\n\r\n')
  const rest = head.startsWith('HTTP/1.1 200 ') ? await talk.hears('answer') : await talk.hearsAll()
  return /addon bad has failed/.test(rest) ? 'names the addon' : head.slice(9, 12)
}

async function byConnect(t: ExecutionContext): Promise<Play> {
  const port = await plainServer(t)
  return only((running) => connects(t, running, port))
}

/** midwire does not connect to itself. */
const byConnectToItself = async (t: ExecutionContext) => only((running) => connects(t, running, running.port))

async function byProxy(t: ExecutionContext): Promise<Play> {
  const port = await plainServer(t)
  const far = await startProxy(t)
  return only((running) => connects(t, running, port), { modes: [`regular@0 via http://127.0.0.1:${far.port}`] })
}

/** A raw connection that both sides end, or that the client resets; the proxy is asked what has become of its flow. */
const byTcp = (how: 'end' | 'resetAndDestroy') => async (t: ExecutionContext) => {
  const { port } = await listen(t, ({ socket }) => {
    socket.once('data', () => socket.write('answer'))
    socket.once('end', () => socket.end())
  })
  const tries = async (running: Running, number: number) => {
    const talk = await tunnel(t, running, port, '\0hello')
    await talk.hears('answer')
    talk.socket[how]()
    const { error } = await running.flow('tcp', number)
    return error?.message ?? 'ended'
  }
  return only(tries)
}

/** Datagrams to a server that sends each back. What has failed is never answered: its flow is waited for. */
async function byUdp(t: ExecutionContext): Promise<Play> {
  const { port, heard } = await echo(t)
  const tries = async (running: Running, number: number) => {
    const talk = await udpTalk(t, running.port)
    talk.says(Buffer.from('hello'))
    if (number > 0) return `${await talk.hears()}`
    await running.flow('udp')
    return heard.length === 0 && 'nothing was sent'
  }
  return only(tries, { modes: [`reverse:udp://127.0.0.1:${port}@0`] })
}

async function byUdpToNobody(t: ExecutionContext): Promise<Play> {
  // A socket that is connected to another place keeps the port, and hears nobody else.
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.connect(9, '127.0.0.1')
  await once(socket, 'connect')
  const tries = async (running: Running, number: number) => {
    const talk = await udpTalk(t, running.port)
    talk.says(Buffer.from('hello'))
    return (await running.flow('udp', number)).error?.message
  }
  return only(tries, { modes: [`reverse:udp://127.0.0.1:${port}@0`] })
}

/** Datagrams by a relay, which ends with the client's connection. */
async function byRelay(t: ExecutionContext): Promise<Play> {
  const { port } = await echo(t)
  const tries = async (running: Running, number: number) => {
    const client = await associate(t, running.port)
    const [heard] = await client.asks('hello', { host: '127.0.0.1', port })
    client.talk.socket.end()
    const { error } = await running.flow('udp', number)
    return error?.message ?? heard
  }
  return only(tries, { modes: ['socks5@0'] })
}

const byDns = (by: Transport) => async (t: ExecutionContext) => {
  const script = hosts({ 'name.test': ['192.0.2.7'] })
  const { text } = await nameServer(t, script)
  const tries = async (running: Running) => {
    const client = await dnsClient(t, running, by)
    return shown(await client.asks(queryFor('name.test')))
  }
  return only(tries, { modes: ['dns@0'], options: { dns_name_servers: [text] } })
}

/** The answer of the name server is no DNS. */
async function byWrongDns(t: ExecutionContext): Promise<Play> {
  const { text } = await nameServer(t, { udp: ({ id }, say) => say(Buffer.from([id >> 8, id & 255, 0x80])) })
  const tries = async (running: Running) =>
    shown(await (await dnsClient(t, running, 'udp')).asks(queryFor('name.test')))
  return only(tries, { modes: [`reverse:dns://${text}@0`] })
}

const valid = (subject: Socks5AuthHook) => {
  subject.valid = true
}

const OK = 'HTTP/1.1 200 OK'
const SERVFAIL = '2 '
const ANSWER = '0 60 192.0.2.7'

const goesOn = (name: HookName, play: Row['play'], outcome: unknown): Row => ({
  name,
  play,
  fails: outcome,
  serves: outcome,
})

const ROWS: readonly Row[] = [
  { name: 'socks5_auth', play: bySocks, says: valid, fails: 'refused', serves: 'served' },
  goesOn('tls_clienthello', byTls, OK),
  goesOn('tls_start_client', byTls, OK),
  goesOn('tls_start_server', byTls, OK),
  goesOn('tls_established_client', byTls, OK),
  goesOn('tls_established_server', byTls, OK),
  goesOn('tls_failed_client', byDistrust, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
  goesOn('tls_failed_server', byWrongServer, 'HTTP/1.1 502 Bad Gateway'),
  { name: 'http_connect', play: byConnect, fails: 'names the addon', serves: '200', flow: 'http' },
  { name: 'http_connected', play: byConnect, fails: 'names the addon', serves: '200', flow: 'http' },
  { name: 'http_connect_upstream', play: byProxy, fails: 'names the addon', serves: '200', flow: 'http' },
  goesOn('http_connect_error', byConnectToItself, '502'),
  goesOn('client_disconnected', byTcp('end'), 'ended'),
  goesOn('server_disconnected', byTcp('end'), 'ended'),
  goesOn('server_connect_error', byConnectToItself, '502'),
  {
    name: 'tcp_end',
    play: byTcp('end'),
    fails: 'addon bad has failed in tcp_end: REASON',
    serves: 'ended',
    flow: 'tcp',
  },
  goesOn('tcp_error', byTcp('resetAndDestroy'), 'the client reset the connection (ECONNRESET)'),
  { name: 'udp_start', play: byUdp, fails: 'nothing was sent', serves: 'hello', flow: 'udp' },
  { name: 'udp_message', play: byUdp, fails: 'nothing was sent', serves: 'hello', flow: 'udp' },
  {
    name: 'udp_end',
    play: byRelay,
    fails: 'addon bad has failed in udp_end: REASON',
    serves: 'hello',
    flow: 'udp',
  },
  goesOn('udp_error', byUdpToNobody, 'the server refuses what is sent to it (ECONNREFUSED)'),
  { name: 'dns_request', play: byDns('udp'), fails: SERVFAIL, serves: ANSWER, flow: 'dns' },
  { name: 'dns_response', play: byDns('udp'), fails: SERVFAIL, serves: ANSWER, flow: 'dns' },
  { name: 'dns_request', how: ' by TCP', play: byDns('tcp'), fails: SERVFAIL, serves: ANSWER, flow: 'dns' },
  { name: 'dns_response', how: ' by TCP', play: byDns('tcp'), fails: SERVFAIL, serves: ANSWER, flow: 'dns' },
  goesOn('dns_error', byWrongDns, SERVFAIL),
]

for (const [fault, fail] of Object.entries(FAULTS)) {
  for (const { name, how = '', play, says, fails, serves: served, flow } of ROWS) {
    test(`${name}${how} ${fault}: the addon is named, and the next is served`, async (t) => {
      let calls = 0
      const bad: Addon = {
        name: 'bad',
        [name](subject: never) {
          says?.(subject)
          return calls++ === 0 ? fail() : undefined
        },
      }
      const { given, tries } = await play(t)
      const options = { ...given?.options, hook_timeout: 1 }
      const running = await startProxy(t, { ...given, addons: [bad], options })
      const reason = reasonOf(fault)
      const got = await tries(running, 0)
      t.is(typeof got === 'string' ? got.replace(reason, 'REASON') : got, fails)
      const { level, message } = await running.logged(/addon bad/)
      t.is(level, 'error')
      t.true(message.startsWith(`addon bad has failed in ${name}: ${reason}`), message)
      if (flow)
        t.regex(
          `${(await running.flow(flow)).error?.message}`,
          new RegExp(`addon bad has failed in ${name}: ${reason}`),
        )
      t.is(await tries(running, 1), served)
      t.is(running.log.filter((line) => line.message.startsWith('addon bad')).length, 1)
    })
  }
}
