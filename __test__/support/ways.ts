// Ways into a proxy for a client, as the contract of modes has them: each gives a connection to a port of this machine.
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { type Running, startProxy } from './proxy.js'
import { dial, Talk } from './talk.js'

export interface Way {
  readonly name: string
  /** The spec of the mode; a mode that leads to one server has its port. */
  spec(port: number, tls: boolean): string
  /** Set for a mode that leads every client to one server. */
  readonly leadsToOne?: boolean
  /** What the client says and hears before the connection leads to the server. Throws with the answer where it is refused. */
  begin(t: ExecutionContext, running: Running, host: string, port: number): Promise<Talk>
}

async function connectByHttp(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
  const answer = await talk.hears('\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(answer)
  return talk
}

async function octets(talk: Talk, length: number): Promise<Buffer> {
  while (talk.rest.length < length && !talk.ended && !talk.closed) await once(talk.socket, 'data')
  const taken = talk.rest.subarray(0, length)
  talk.rest = talk.rest.subarray(length)
  return taken
}

async function connectBySocks5(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(Buffer.from([5, 1, 0]))
  await octets(talk, 2)
  talk.says(
    Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), Buffer.from(host), Buffer.from([port >> 8, port & 255])]),
  )
  const reply = await octets(talk, 10)
  if (reply[1] !== 0) throw new Error(`reply ${reply[1]}`)
  return talk
}

async function connectBySocks4a(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(Buffer.concat([Buffer.from([4, 1, port >> 8, port & 255, 0, 0, 0, 1, 0]), Buffer.from(`${host}\0`)]))
  const reply = await octets(talk, 8)
  if (reply[1] !== 90) throw new Error(`answer ${reply[1]}`)
  return talk
}

async function tlsToProxy(t: ExecutionContext, running: Running): Promise<Talk> {
  const socket = connectTls({ port: running.port, host: '127.0.0.1', ca: running.proxy.authority.pem })
  t.teardown(() => socket.destroy())
  const talk = new Talk(socket)
  await once(socket, 'secureConnect')
  return talk
}

const plain = (t: ExecutionContext, running: Running) => dial(t, running.port)

export const WAYS: readonly Way[] = [
  {
    name: 'regular',
    spec: () => 'regular@0',
    begin: async (t, running, host, port) => connectByHttp(await plain(t, running), host, port),
  },
  {
    name: 'regular, over TLS',
    spec: () => 'regular@0',
    begin: async (t, running, host, port) => connectByHttp(await tlsToProxy(t, running), host, port),
  },
  {
    name: 'regular, by SOCKS5',
    spec: () => 'regular@0',
    begin: async (t, running, host, port) => connectBySocks5(await plain(t, running), host, port),
  },
  {
    name: 'socks5',
    spec: () => 'socks5@0',
    begin: async (t, running, host, port) => connectBySocks5(await plain(t, running), host, port),
  },
  {
    name: 'socks5, by SOCKS4a',
    spec: () => 'socks5@0',
    begin: async (t, running, host, port) => connectBySocks4a(await plain(t, running), host, port),
  },
  {
    name: 'reverse:tcp and reverse:tls',
    leadsToOne: true,
    spec: (port, tls) => `reverse:${tls ? 'tls' : 'tcp'}://localhost:${port}@0`,
    begin: (t, running) => plain(t, running),
  },
]

export interface Out {
  readonly name: string
  /** The proxies by which connections leave. */
  via(t: ExecutionContext): Promise<string>
}

/** Another midwire, as the proxy that is on the way. */
const proxy = async (t: ExecutionContext, spec: string, scheme: string) =>
  `${scheme}://localhost:${(await startProxy(t, { modes: [spec] })).port}`

export const OUTS: readonly Out[] = [
  { name: 'direct', via: async () => 'direct' },
  { name: 'http', via: (t) => proxy(t, 'regular@0', 'http') },
  { name: 'https', via: (t) => proxy(t, 'regular@0', 'https') },
  { name: 'socks5', via: (t) => proxy(t, 'socks5@0', 'socks5') },
  { name: 'socks4a', via: (t) => proxy(t, 'socks5@0', 'socks4a') },
  {
    name: 'socks5, then http',
    via: async (t) => `${await proxy(t, 'socks5@0', 'socks5')},${await proxy(t, 'regular@0', 'http')}`,
  },
]
