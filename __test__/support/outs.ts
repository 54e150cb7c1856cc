// Ways out of a proxy, as the contract of modes has them. Another way out is one entry more.
import type { ExecutionContext } from 'ava'
import { confFile, farEnd } from './far-end.js'
import { startProxy } from './proxy.js'

export interface Out {
  readonly name: string
  /** Where the servers of this machine are found from the other end of a tunnel. */
  readonly place?: { readonly name: string; readonly address: string }
  /** Set where datagrams can leave by it. Elsewhere their flow says that they cannot. */
  readonly udp?: true
  /** Set where a proxy on the way leads all connections to one place, and so has no room for more than 256 of them. */
  readonly narrow?: true
  /** The way by which connections leave. Its proxies ask the name server that is given. The servers listen at `listen`. */
  via(t: ExecutionContext, nameServer: string, listen: string): Promise<string>
}

/** Another midwire, as the proxy that is on the way. */
async function proxy(t: ExecutionContext, nameServer: string, spec: string, scheme: string): Promise<string> {
  const { port } = await startProxy(t, { modes: [spec], options: { dns_name_servers: [nameServer] } })
  return `${scheme}://localhost:${port}`
}

export const DIRECT: Out = { name: 'direct', udp: true, via: async () => 'direct' }

/** The one address behind the tunnel. */
const BEHIND = { name: 'behind.test', address: '10.9.0.80' } as const

export const OUTS: readonly Out[] = [
  DIRECT,
  { name: 'http', via: (t, names) => proxy(t, names, 'regular@0', 'http') },
  { name: 'https', via: (t, names) => proxy(t, names, 'regular@0', 'https') },
  { name: 'socks5', udp: true, via: (t, names) => proxy(t, names, 'socks5@0', 'socks5') },
  { name: 'socks4a', via: (t, names) => proxy(t, names, 'socks5@0', 'socks4a') },
  {
    name: 'wireguard',
    udp: true,
    place: BEHIND,
    via: async (t, _, listen) => {
      const names = { [BEHIND.name]: [BEHIND.address] }
      const far = await farEnd(t, { names, leads: { address: BEHIND.address, to: listen } })
      return `wireguard:${confFile(t, far.text())}`
    },
  },
  {
    name: 'socks5, http',
    narrow: true,
    via: async (t, names) =>
      `${await proxy(t, names, 'socks5@0', 'socks5')},${await proxy(t, names, 'regular@0', 'http')}`,
  },
]
