// Ways into a proxy for a client, as the contract of modes has them: each gives a connection to a port of this machine.
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { associate } from './associate.js'
import type { Entry } from './proxy.js'
import { dial, Talk } from './talk.js'
import { type UdpTalk, udpTalk } from './udp-talk.js'
import { beginInTunnel, beginUdpInTunnel } from './ways-tunnel.js'

export type Speech = 'http' | 'https' | 'raw' | 'udp'

/** A server that clients are led to. */
export interface Place {
  readonly speaks: Speech
  readonly host: string
  readonly port: number
}

export interface Way {
  readonly name: string
  /** The mode's name in the list of modes. */
  readonly mode: string
  /** What its clients can speak. */
  readonly speaks: readonly Speech[]
  /** The spec of the mode, with the proxies by which connections leave; a mode that leads to one server has that server in it. */
  spec(to: Place, via: string): string
  /** Set for a mode that leads every client to one server. */
  readonly leadsToOne?: true
  /** Set for a mode that leads every client to a proxy. */
  readonly needsProxy?: true
  /** Set where the client names its server by an address: the look-up of names is its own business. */
  readonly byAddress?: true
  /** Set where many clients are connections within one of the client's. */
  readonly withoutSocket?: true
  /** The address at which servers must listen, and the host that clients name. */
  readonly host: { readonly listen: string; readonly name: string }
  /** What the client says and hears before the connection leads to the server. Throws with the answer where it is refused. */
  begin(t: ExecutionContext, running: Entry, host: string, port: number): Promise<Talk<Duplex>>
  /** The same for datagrams. */
  beginUdp?(t: ExecutionContext, running: Entry, host: string, port: number): Promise<UdpTalk>
}

/** An address of this machine that is not of its loopback. No packet in a tunnel may carry one of those. */
export const ownAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

const LOCAL = { listen: '127.0.0.1', name: 'localhost' } as const
const OWN = { listen: ownAddress ?? '', name: ownAddress ?? '' } as const

async function connectByHttp(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
  const answer = await talk.hears('\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(answer)
  return talk
}

async function connectBySocks5(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(Buffer.from([5, 1, 0]))
  await talk.hearsOctets(2)
  talk.says(
    Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), Buffer.from(host), Buffer.from([port >> 8, port & 255])]),
  )
  const reply = await talk.hearsOctets(10)
  if (reply[1] !== 0) throw new Error(`reply ${reply[1]}`)
  return talk
}

async function connectBySocks4a(talk: Talk, host: string, port: number): Promise<Talk> {
  talk.says(Buffer.concat([Buffer.from([4, 1, port >> 8, port & 255, 0, 0, 0, 1, 0]), Buffer.from(`${host}\0`)]))
  const reply = await talk.hearsOctets(8)
  if (reply[1] !== 90) throw new Error(`answer ${reply[1]}`)
  return talk
}

async function tlsToProxy(t: ExecutionContext, running: Entry): Promise<Talk> {
  const socket = connectTls({ port: running.port, host: '127.0.0.1', ca: running.proxy.authority.pem })
  t.teardown(() => socket.destroy())
  const talk = new Talk(socket)
  await once(socket, 'secureConnect')
  return talk
}

const plain = (t: ExecutionContext, running: Entry) => dial(t, running.port)

/** Datagrams by a relay of the proxy (UDP ASSOCIATE). */
async function relayed(t: ExecutionContext, running: Entry, host: string, port: number): Promise<UdpTalk> {
  const client = await associate(t, running.port)
  // Datagrams go to the first address of a name. That of localhost is IPv6, and the servers have none.
  const to = { host: host === LOCAL.name ? LOCAL.listen : host, port }
  return {
    says: (data) => client.send(data, to),
    hears: async () => (await client.hears()).data,
  }
}

const toAny = { speaks: ['http', 'https', 'raw'], host: LOCAL } as const

const explicit = (mode: 'regular' | 'socks5') => ({
  ...toAny,
  mode,
  spec: (_: Place, via: string) => `${mode}@0 via ${via}`,
})

const reverse = (to: Place, scheme: string, via: string) => `reverse:${scheme}://${to.host}:${to.port}@0 via ${via}`

export const WAYS: readonly Way[] = [
  {
    ...explicit('regular'),
    name: 'regular',
    begin: async (t, running, host, port) => connectByHttp(await plain(t, running), host, port),
  },
  {
    ...explicit('regular'),
    name: 'regular, over TLS',
    begin: async (t, running, host, port) => connectByHttp(await tlsToProxy(t, running), host, port),
  },
  {
    ...explicit('regular'),
    name: 'regular, by SOCKS5',
    speaks: ['http', 'https', 'raw', 'udp'],
    begin: async (t, running, host, port) => connectBySocks5(await plain(t, running), host, port),
    beginUdp: relayed,
  },
  {
    ...explicit('socks5'),
    name: 'socks5',
    speaks: ['http', 'https', 'raw', 'udp'],
    begin: async (t, running, host, port) => connectBySocks5(await plain(t, running), host, port),
    beginUdp: relayed,
  },
  {
    ...explicit('socks5'),
    name: 'socks5, by SOCKS4a',
    begin: async (t, running, host, port) => connectBySocks4a(await plain(t, running), host, port),
  },
  {
    ...toAny,
    name: 'upstream',
    mode: 'upstream',
    needsProxy: true,
    spec: (_, via) => `upstream:${via}@0`,
    begin: async (t, running, host, port) => connectByHttp(await plain(t, running), host, port),
  },
  ...(ownAddress === undefined
    ? []
    : [
        {
          name: 'wireguard',
          mode: 'wireguard',
          speaks: ['http', 'https', 'raw', 'udp'],
          host: OWN,
          byAddress: true,
          withoutSocket: true,
          spec: (_, via) => `wireguard@127.0.0.1:0 via ${via}`,
          begin: beginInTunnel,
          beginUdp: beginUdpInTunnel,
        } satisfies Way,
      ]),
  {
    ...toAny,
    name: 'reverse:tcp, reverse:tls',
    mode: 'reverse',
    leadsToOne: true,
    spec: (to, via) => reverse(to, to.speaks === 'https' ? 'tls' : 'tcp', via),
    begin: (t, running) => plain(t, running),
  },
  {
    name: 'reverse:http, reverse:https',
    mode: 'reverse',
    speaks: ['http', 'https'],
    host: LOCAL,
    leadsToOne: true,
    spec: (to, via) => reverse(to, to.speaks === 'https' ? 'https' : 'http', via),
    begin: (t, running) => plain(t, running),
  },
  {
    name: 'reverse:udp',
    mode: 'reverse',
    speaks: ['udp'],
    host: { listen: '127.0.0.1', name: '127.0.0.1' },
    leadsToOne: true,
    withoutSocket: true,
    spec: (to, via) => reverse(to, 'udp', via),
    begin: () => Promise.reject(new Error('there are no connections over UDP')),
    beginUdp: (t, running) => udpTalk(t, running.port),
  },
]
