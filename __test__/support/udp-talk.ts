// A client of datagrams in a test, a server that sends each back, and a port that nobody has.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { ExecutionContext } from 'ava'

/** After this time what was not answered is said again: the system drops datagrams for which there is no room. */
const AGAIN_MILLISECONDS = 1_000

export interface UdpTalk {
  says(data: Buffer): void
  /** The next datagram that comes. */
  hears(): Promise<Buffer>
}

/** Datagrams in the order in which they came. */
export class Heard {
  readonly #queue: Buffer[] = []
  readonly #waiting: ((data: Buffer) => void)[] = []

  handle(data: Buffer): void {
    const first = this.#waiting.shift()
    if (first) first(data)
    else this.#queue.push(data)
  }

  next(): Promise<Buffer> {
    const first = this.#queue.shift()
    return first ? Promise.resolve(first) : new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** A socket that sends to a port of 127.0.0.1, and goes with the test. */
export async function udpTalk(t: ExecutionContext, port: number): Promise<UdpTalk> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const heard = new Heard()
  socket.on('message', (data) => heard.handle(data))
  // What nobody answers may come back as an ICMP error.
  socket.on('error', () => {})
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return { says: (data) => socket.send(data), hears: () => heard.next() }
}

/** A server that sends every datagram back, and the texts that it has heard. */
export async function echo(t: ExecutionContext, host = '127.0.0.1'): Promise<{ port: number; heard: string[] }> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4').bind(0, host)
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const heard: string[] = []
  socket.on('message', (data, { address, port }) => {
    heard.push(`${data}`)
    socket.send(data, port, address)
  })
  return { port: socket.address().port, heard }
}

/** A port of UDP at which nobody listens. */
export async function freeUdpPort(host = '127.0.0.1'): Promise<number> {
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** Says it until there is an answer, as clients of datagrams do. */
export async function answered(talk: UdpTalk, data: Buffer): Promise<Buffer> {
  const again = setInterval(() => talk.says(data), AGAIN_MILLISECONDS)
  talk.says(data)
  try {
    return await talk.hears()
  } finally {
    clearInterval(again)
  }
}
