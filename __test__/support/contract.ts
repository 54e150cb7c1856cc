// One way in and one way out of the contract, started: connections of clients to servers by them.
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { hosts, nameServer } from './name-server.js'
import { OUTS, type Out } from './outs.js'
import { type Running, startProxy } from './proxy.js'
import { Talk } from './talk.js'
import type { UdpTalk } from './udp-talk.js'
import { type Speech, WAYS, type Way } from './ways.js'

/** What must never stand in the log: a fault of midwire's own, whatever the peers have done. */
const FAULT = /nobody (caught|handled)|a layer has failed|an operation has failed|(Type|Range|Reference)Error/i

/** A name that does not exist. */
export const DEAD_NAME = 'dead.invalid'

export const GET = 'GET /a HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

export interface Begun<T> {
  readonly talk: T
  /** The proxy that has led it there: one of its own where the mode leads to one server. */
  readonly running: Running
}

export interface Entered {
  readonly way: Way
  readonly out: Out
  /** The proxy that leads to a server: the same for all, where the mode does not lead to one. */
  proxyTo(port: number, speaks?: Speech, host?: string): Promise<Running>
  /** A client's connection to a port. Throws where it is refused before it is made. */
  begin(port: number, speaks?: Speech, host?: string): Promise<Begun<Talk<Duplex>>>
  beginUdp(port: number, host?: string): Promise<Begun<UdpTalk>>
  /** Fails where a proxy tells of a fault of its own. */
  assertNoFaults(): void
}

/** Fails where one of these tells of a fault of its own. */
export function assertNoFaults(t: ExecutionContext, runnings: readonly Running[]): void {
  const faults = runnings.flatMap(({ log }) => log.filter(({ message }) => FAULT.test(message)))
  t.deepEqual(faults, [])
}

/** The pairs of a way in and a way out that there are: a mode that needs a proxy has none without. */
export const pairs = (outs: readonly Out[] = OUTS): { way: Way; out: Out }[] =>
  outs.flatMap((out) => WAYS.filter((way) => !way.needsProxy || out.name !== 'direct').map((way) => ({ way, out })))

export async function enter(t: ExecutionContext, way: Way, out: Out): Promise<Entered> {
  const { text: names } = await nameServer(t, hosts({}))
  const via = await out.via(t, names, way.host.listen)
  const named = out.place && (way.byAddress ? out.place.address : out.place.name)
  const server = named ?? way.host.name
  const all = new Map<string, Promise<Running>>()
  const runnings: Running[] = []
  const proxyTo = (port: number, speaks: Speech = way.speaks[0] ?? 'raw', host = server) => {
    const spec = way.spec({ speaks, host, port }, via)
    const known = all.get(spec)
    if (known) return known
    const begun = startProxy(t, { modes: [spec], options: { dns_name_servers: [names] } })
    all.set(spec, begun)
    void begun.then(
      (running) => runnings.push(running),
      () => {},
    )
    return begun
  }
  return {
    way,
    out,
    proxyTo,
    async begin(port, speaks, host = server) {
      const running = await proxyTo(port, speaks, host)
      return { running, talk: await way.begin(t, running, host, port) }
    },
    async beginUdp(port, host = server) {
      const running = await proxyTo(port, 'udp', host)
      if (!way.beginUdp) throw new Error(`${way.name} takes no datagrams`)
      return { running, talk: await way.beginUdp(t, running, host, port) }
    },
    assertNoFaults: () => assertNoFaults(t, runnings),
  }
}

/** TLS with the proxy in place of the server, in a connection that leads there. */
export async function secure({ talk, running }: Begun<Talk<Duplex>>): Promise<Talk<TLSSocket>> {
  talk.socket.removeAllListeners('data')
  const secured = connectTls({ socket: talk.socket, ca: running.proxy.authority.pem, servername: 'upstream.test' })
  const inside = new Talk(secured)
  await once(secured, 'secureConnect')
  return inside
}
