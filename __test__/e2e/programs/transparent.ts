// A transparent proxy that proxies nothing: it tells each client where its packets were sent to. And clients for it.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Address } from '../../../src/connection.js'
import { originalDestination, TRANSPARENT_MARK } from '../../../src/transports/descriptor.js'
import { connectTcp, connectTcpAs, listenTcp } from '../../../src/transports/socket.js'
import { listenTransparentTcp, listenTransparentUdp } from '../../../src/transports/tproxy.js'
import type { Transport } from '../../../src/transports/transport.js'
import { connectUdpAs } from '../../../src/transports/udp.js'
import { within } from '../support/wait.js'

const shown = (one: Address | undefined) => (one ? `${one.address} ${one.port}` : 'none')

/** Listens for what REDIRECT brings, as midwire's modes listen: one listener for both families. */
export async function redirected(port: number): Promise<void> {
  await listenTcp({ host: '::', port }, (socket) => {
    socket.end(`redirected ${shown(originalDestination(socket))}`)
    socket.resume()
  })
}

/** Listens for what TPROXY brings. */
export async function tproxied(port: number): Promise<void> {
  const mark = TRANSPARENT_MARK
  for (const host of ['0.0.0.0', '::']) {
    const answer = (socket: Socket) => {
      const { localAddress: address = '', localPort = 0 } = socket
      socket.end(`tproxied ${address} ${localPort}`)
      socket.resume()
    }
    await listenTransparentTcp({ host, port, mark }, answer)
    const udp = listenTransparentUdp({ host, port, mark }, (source, destination, data) => {
      udp.send(Buffer.from(`tproxied ${shown(destination)} ${data}`), destination, source)
    })
    if (udp.port !== port) throw new Error(`port ${udp.port}`)
  }
}

/** Serves TCP and UDP; tells each client its address. */
export async function serve(port: number): Promise<void> {
  const server = createServer((socket) => socket.end(`served ${socket.remoteAddress}`))
  server.listen({ host: '::', port })
  await once(server, 'listening')
  const udp = createSocket({ type: 'udp6' })
  udp.on('message', (_, { address, port }) => udp.send(`served ${address}`, port, address))
  udp.bind(port)
  await once(udp, 'listening')
}

/** Sends a burst of datagrams to a listener of this process, then an empty one and the longest, and ends the listener. */
export async function local(port: number, count: number, bytes: number) {
  const received: { length: number; destination: string }[] = []
  const listener = listenTransparentUdp({ host: '127.0.0.1', port }, (_, destination, data) => {
    received.push({ length: data.length, destination: shown(destination) })
  })
  const own = listener.port
  const socket = createSocket('udp4')
  const burst = Buffer.alloc(bytes)
  socket.connect(own, '127.0.0.1')
  await once(socket, 'connect')
  for (let at = 0; at < count; at++) socket.send(burst)
  await within(
    5000,
    'the burst',
    until(() => received.length + listener.dropped >= count),
  )
  for (const length of [0, 65_507]) socket.send(Buffer.alloc(length))
  await within(
    5000,
    'the last two',
    until(() => received.length + listener.dropped >= count + 2),
  )
  listener.close()
  await within(5000, 'the end', listener.closed)
  listener.send(
    Buffer.from('late'),
    { address: '127.0.0.1', port: own, family: 4 },
    { address: '127.0.0.1', port: own, family: 4 },
  )
  socket.close()
  return { own, last: received.slice(-2), count: received.length, dropped: listener.dropped }
}

/** Sends bursts while Node's thread takes nothing, then small datagrams until one arrives; gives what had waited. */
export async function flood(count: number, bytes: number) {
  const received: number[] = []
  const listener = listenTransparentUdp({ host: '127.0.0.1', port: 0 }, (_, __, data) => received.push(data.length))
  const socket = createSocket('udp4')
  socket.connect(listener.port, '127.0.0.1')
  await once(socket, 'connect')
  const burst = Buffer.alloc(bytes)
  for (let at = 0; at < count; at++) socket.send(burst)
  const small = () => {
    socket.send('x')
    return received.at(-1) === 1
  }
  await within(10_000, 'a datagram after the flood', until(small))
  const waited = received.filter((length) => length === bytes).length
  const { dropped } = listener
  listener.close()
  await listener.closed
  socket.close()
  return { waited, dropped }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((later) => setTimeout(later, 5))
}

/** The code of the error of a marked connection that a server refuses, and of one that is given up. */
export async function failures(host: string, port: number, silent: string): Promise<unknown[]> {
  const refused = await connectTcpAs(host, port, { mark: TRANSPARENT_MARK }).catch(({ code }) => code)
  const given = new AbortController()
  const late = connectTcpAs(silent, port, { mark: TRANSPARENT_MARK }, given.signal).catch(({ code }) => code)
  setTimeout(() => given.abort(), 50)
  return [refused, await late]
}

/** From now on this process is another user. */
export function become(uid: number): void {
  process.seteuid?.(uid)
}

/** What a server says to a client. */
export async function ask(host: string, port: number): Promise<string> {
  const socket = connect({ host, port })
  return within(5000, `an answer of ${host}:${port}`, text(socket))
}

/** The answer to a datagram, and the address that it came from. */
export async function askUdp(host: string, port: number, data: string): Promise<string> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.send(data, port, host)
    const [answer, from] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) })
    return `${answer} from ${from.address} ${from.port}`
  } finally {
    socket.close()
  }
}

/** What a server says to midwire's own connection, with midwire's mark or from another address. */
export async function askAs(host: string, port: number, outgoing: { mark?: boolean; source?: string } = {}) {
  const { mark, source } = outgoing
  const as = { ...(mark && { mark: TRANSPARENT_MARK }), ...(source && { from: { address: source, isForeign: true } }) }
  const hasNone = Object.keys(as).length === 0
  const transport = hasNone ? await connectTcp(host, port) : await connectTcpAs(host, port, as)
  return within(5000, `an answer of ${host}:${port}`, answerOf(transport))
}

export async function askUdpAs(host: string, port: number, source?: string): Promise<string> {
  const transport = await connectUdpAs(host, port, {
    mark: TRANSPARENT_MARK,
    ...(source && { from: { address: source, isForeign: true } }),
  })
  const answer = answerOf(transport)
  transport.write(Buffer.from('a datagram'))
  return within(5000, `an answer of ${host}:${port}`, answer)
}

/** The first data of a transport. */
function answerOf(transport: Transport): Promise<string> {
  return new Promise((resolve, reject) => {
    transport.receiver = {
      handleData: (data) => {
        resolve(data.toString())
        transport.close()
      },
      handleEnd: () => reject(new Error('the server has said nothing')),
      handleDrain() {},
      handleClose: (error) => reject(error ?? new Error('the transport was closed')),
    }
  })
}

/** The codes of the errors of listeners for TPROXY. */
export async function refusedListeners(host: string, port: number): Promise<Record<string, unknown>> {
  const codes: Record<string, unknown> = {}
  await listenTransparentTcp({ host, port }, () => {}).catch(({ code }) => (codes.tcp = code))
  try {
    listenTransparentUdp({ host, port }, () => {})
  } catch (error) {
    codes.udp = (error as NodeJS.ErrnoException).code
  }
  return codes
}

/** The codes of the errors of connections with a mark, and from another address. */
export async function refusedConnections(host: string, port: number): Promise<Record<string, unknown>> {
  const codes: Record<string, unknown> = {}
  await connectTcpAs(host, port, { from: { address: '192.0.2.77', isForeign: true } }).catch(
    ({ code }) => (codes.source = code),
  )
  await connectUdpAs(host, port, { mark: 7 }).catch(({ code }) => (codes.mark = code))
  return codes
}
