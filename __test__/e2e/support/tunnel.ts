// The usual cast of a test: a server in its namespace, and clients that join it.
import { generatePrivateKey, type PeerStatus, publicKey } from '../../../src/index.js'
import type * as RelayProgram from '../programs/relay.js'
import type * as ServerProgram from '../programs/server.js'
import type * as TcpProgram from '../programs/tcp.js'
import type * as UdpProgram from '../programs/udp.js'
import { Client, type Kind } from './client.js'
import type { Cable, Namespace, Narrow, World } from './netns.js'
import { Remote } from './remote.js'

/** Addresses far behind the tunnel. Any would do: the server takes them all. */
export const far = { v4: '203.0.113.7', v6: '2001:db8:ffff::7' } as const
export const families = ['v4', 'v6'] as const

export interface Server {
  remote: Remote<typeof ServerProgram>
  privateKey: string
  publicKey: string
  port: number
}

export async function startServer(world: World, settings: Partial<ServerProgram.Settings> = {}): Promise<Server> {
  const remote = await Remote.start<typeof ServerProgram>(world.server, 'server')
  const privateKey = settings.privateKey ?? generatePrivateKey()
  const { port, publicKey } = await remote.call('start', { port: 0, ...settings, privateKey })
  return { remote, privateKey, publicKey, port }
}

export interface JoinOptions {
  kind?: Kind
  /** Where the server is; default its IPv4 address on the cable. */
  endpoint?: (cable: Cable) => string
  mtu?: number
  /** What is around the tunnel. */
  path?: Narrow
  presharedKey?: string
  /** Ranges that are the client's besides its addresses. */
  ranges?: string[]
  /** The server makes the first step: it is told that the client is at this port, and the client is told nothing. */
  listenPort?: number
}

/** A client that has joined. */
export interface Guest {
  namespace: Namespace
  cable: Cable
  client: Client
  publicKey: string
  v4: string
  v6: string
  tcp: Remote<typeof TcpProgram>
  udp: Remote<typeof UdpProgram>
}

let guests = 0

/** Makes a namespace with a client in it, and makes it known to the running server. */
export async function join(world: World, server: Server, options: JoinOptions = {}): Promise<Guest> {
  const { namespace, cable } = world.client(options.path)
  const { kind = 'wireguard-go', endpoint = ({ server: { v4 } }) => `${v4}:${server.port}` } = options
  const number = ++guests
  const [v4, v6] = [`10.0.0.${number}`, `fd6d:6964:7769:7265::${number}`]
  const privateKey = generatePrivateKey()
  const shared = options.presharedKey === undefined ? {} : { presharedKey: options.presharedKey }
  const guest = { publicKey: publicKey(privateKey), allowedIps: [`${v4}/32`, `${v6}/128`, ...(options.ranges ?? [])] }
  const found = options.listenPort === undefined ? {} : { endpoint: `${cable.client.v4}:${options.listenPort}` }
  await server.remote.call('addPeer', { ...guest, ...shared, ...found })
  const mtu = options.mtu ?? 1420
  const client = new Client(namespace, {
    ...{ kind, privateKey, publicKey: server.publicKey, ...shared, mtu },
    ...(options.listenPort === undefined ? { endpoint: endpoint(cable) } : { listenPort: options.listenPort }),
    // A link with an MTU below IPv6's least has no IPv6.
    addresses: mtu < 1280 ? [v4] : [v4, v6],
  })
  await client.start()
  const tcp = await Remote.start<typeof TcpProgram>(namespace, 'tcp')
  const udp = await Remote.start<typeof UdpProgram>(namespace, 'udp')
  return { namespace, cable, client, publicKey: guest.publicKey, v4, v6, tcp, udp }
}

/** What the server knows of a guest. */
export async function statusOf(server: Server, { publicKey }: Guest): Promise<PeerStatus> {
  const peer = (await server.remote.call('peers')).find((one) => one.publicKey === publicKey)
  if (!peer) throw new Error(`the server knows no peer ${publicKey}`)
  return peer
}

/** A relay in front of the server: clients that are told its `endpoint` go through it. */
export async function startRelay(
  world: World,
  { port }: Server,
): Promise<{ relay: Remote<typeof RelayProgram>; endpoint: string }> {
  const relay = await Remote.start<typeof RelayProgram>(world.server, 'relay')
  // Every address of the server's namespace is reached by every cable.
  const host = world.inside
  return { relay, endpoint: `${host}:${await relay.call('start', host, { host, port })}` }
}
