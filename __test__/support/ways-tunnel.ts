// The way in through a tunnel: one WireGuard client for each proxy, with all of its connections and datagrams.
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { ExecutionContext } from 'ava'
import type { WireGuardServer } from '../../src/index.js'
import type { Entry } from './proxy.js'
import { Talk } from './talk.js'
import { clientOf } from './tunnel-client.js'
import { Heard, type UdpTalk } from './udp-talk.js'

/** The client's own address in the tunnel. */
const SOURCE = '10.0.0.1'

/** The first port from which the client sends datagrams. */
const FIRST_PORT = 20_000

interface Tunnel {
  readonly client: WireGuardServer
  /** What has come for each of the client's UDP ports. */
  readonly ports: Map<number, Heard>
}

const tunnels = new WeakMap<Entry, Promise<Tunnel>>()

function tunnelOf(t: ExecutionContext, running: Entry): Promise<Tunnel> {
  const known = tunnels.get(running)
  if (known) return known
  const begun = beginTunnel(t, running)
  tunnels.set(running, begun)
  return begun
}

async function beginTunnel(t: ExecutionContext, running: Entry): Promise<Tunnel> {
  const ports = new Map<number, Heard>()
  const client = await clientOf(running.proxy.peers[0]?.config, (_, { data, destination }) =>
    ports.get(destination.port)?.handle(data),
  )
  t.teardown(() => client.close())
  return { client, ports }
}

/** A TCP connection. Throws where the server, or midwire, refuses it. */
export async function beginInTunnel(
  t: ExecutionContext,
  running: Entry,
  host: string,
  port: number,
): Promise<Talk<Duplex>> {
  const { client } = await tunnelOf(t, running)
  const stream = client.connect({ host, port })
  const talk = new Talk<Duplex>(stream)
  await once(stream, 'connect')
  return talk
}

/** Datagrams from a port of their own. */
export async function beginUdpInTunnel(
  t: ExecutionContext,
  running: Entry,
  host: string,
  port: number,
): Promise<UdpTalk> {
  const { client, ports } = await tunnelOf(t, running)
  const heard = new Heard()
  const from = { address: SOURCE, port: FIRST_PORT + ports.size }
  ports.set(from.port, heard)
  return {
    says: (data) => client.sendDatagram(data, from, { address: host, port }),
    hears: () => heard.next(),
  }
}
