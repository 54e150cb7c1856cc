// Ways out of a proxy, as the contract of modes has them. Another way out is one entry more.
import type { ExecutionContext } from 'ava'
import { startProxy } from './proxy.js'

export interface Out {
  readonly name: string
  /** Set where datagrams can leave by it. Elsewhere their flow says that they cannot. */
  readonly udp?: true
  /** Set where a proxy on the way leads all connections to one place, and so has no room for more than 256 of them. */
  readonly narrow?: true
  /** The proxies by which connections leave. They ask the name server that is given. */
  via(t: ExecutionContext, nameServer: string): Promise<string>
}

/** Another midwire, as the proxy that is on the way. */
async function proxy(t: ExecutionContext, nameServer: string, spec: string, scheme: string): Promise<string> {
  const { port } = await startProxy(t, { modes: [spec], options: { dns_name_servers: [nameServer] } })
  return `${scheme}://localhost:${port}`
}

export const DIRECT: Out = { name: 'direct', udp: true, via: async () => 'direct' }

export const OUTS: readonly Out[] = [
  DIRECT,
  { name: 'http', via: (t, names) => proxy(t, names, 'regular@0', 'http') },
  { name: 'https', via: (t, names) => proxy(t, names, 'regular@0', 'https') },
  { name: 'socks5', via: (t, names) => proxy(t, names, 'socks5@0', 'socks5') },
  { name: 'socks4a', via: (t, names) => proxy(t, names, 'socks5@0', 'socks4a') },
  {
    name: 'socks5, http',
    narrow: true,
    via: async (t, names) =>
      `${await proxy(t, names, 'socks5@0', 'socks5')},${await proxy(t, names, 'regular@0', 'http')}`,
  },
]
