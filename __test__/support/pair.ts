// A server and a client of it in one process, over real UDP sockets on loopback: no root, no TUN device.
import { once } from 'node:events'
import {
  generatePrivateKey,
  publicKey,
  startWireGuardServer,
  type WireGuardServer,
  type WireGuardServerOptions,
  type WireGuardStream,
} from '../../src/index.js'

export interface Pair {
  server: WireGuardServer
  client: WireGuardServer
  /** Opens a connection from the client and waits until both sides have it. */
  connect(port?: number, host?: string): Promise<{ near: WireGuardStream; far: WireGuardStream }>
  close(): Promise<void>
}

export const CLIENT = '10.0.0.1'
export const CLIENT6 = 'fd6d:6964:7769:7265::1'

export async function startPair(
  serverOptions: Partial<WireGuardServerOptions> = {},
  clientOptions: Partial<WireGuardServerOptions> = {},
): Promise<Pair> {
  const [serverKey, clientKey] = [generatePrivateKey(), generatePrivateKey()]
  const waiting: ((stream: WireGuardStream) => void)[] = []
  const early: WireGuardStream[] = []
  const server = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: serverKey,
    peers: [{ publicKey: publicKey(clientKey), name: 'client' }],
    onConnection: (stream) => {
      const next = waiting.shift()
      if (next) next(stream)
      else early.push(stream)
    },
    ...serverOptions,
  })
  const client = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: clientKey,
    addresses: [CLIENT, CLIENT6],
    peers: [{ publicKey: server.publicKey, allowedIps: ['0.0.0.0/0', '::/0'], endpoint: `127.0.0.1:${server.port}` }],
    ...clientOptions,
  })
  return {
    server,
    client,
    async connect(port = 80, host = '192.0.2.80') {
      const near = client.connect({ host, port })
      const far = new Promise<WireGuardStream>((resolve) => {
        const stream = early.shift()
        if (stream) resolve(stream)
        else waiting.push(resolve)
      })
      await once(near, 'connect')
      const both = { near, far: await far }
      // Which side hears of a closing first is chance, and no test's matter.
      for (const stream of Object.values(both)) stream.on('error', () => {})
      return both
    },
    async close() {
      await Promise.all([client.close(), server.close()])
    },
  }
}

/** Everything that a stream says, until its end. (A `for await` would destroy the other direction, too.) */
export async function all(stream: WireGuardStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks)
}

/** The error that a stream fails with. */
export async function failure(stream: WireGuardStream): Promise<NodeJS.ErrnoException> {
  const [error] = await once(stream, 'error')
  return error
}
