// A bad network between client and server: a UDP relay that loses, doubles, delays and reorders by a seed, keeps what passes, and forges.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Weather {
  /** Shares of the datagrams, 0 to 1. */
  loss: number
  double: number
  reorder: number
  /** Milliseconds, one way. */
  delay: number
  /** Datagrams over so many bytes vanish without a word. */
  longest?: number
  seed: number
}

const fine: Weather = { loss: 0, double: 0, reorder: 0, delay: 0, seed: 1 }

/** One for each client: its datagrams have to reach the server from a port of its own. */
const outward = new Map<string, Socket>()
let weather = fine
let random = 1
/** What the clients have sent, oldest first. */
let kept: Buffer[] = []
let front: Socket
let server = { host: '', port: 0 }
const lost = { count: 0 }

/** xorshift32 */
function chance(): number {
  random ^= random << 13
  random ^= random >>> 17
  random ^= random << 5
  return (random >>> 0) / 0x1_0000_0000
}

function pass(data: Buffer, send: (data: Buffer) => void): void {
  if (chance() < weather.loss || data.length > (weather.longest ?? Number.POSITIVE_INFINITY)) {
    lost.count += 1
    return
  }
  // Ten milliseconds more, and the ones behind it have overtaken.
  const delay = weather.delay + (chance() < weather.reorder ? 10 : 0)
  const copies = chance() < weather.double ? 2 : 1
  for (let copy = 0; copy < copies; copy++) {
    if (delay > 0) setTimeout(send, delay, data)
    else send(data)
  }
}

function large(host: string): Socket {
  return createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 })
}

/** Listens at `host`, on a free port that it gives, and passes on to the server. */
export async function start(host: string, to: { host: string; port: number }): Promise<number> {
  server = to
  front = large(host)
  front.bind(0, host)
  await once(front, 'listening')
  front.on('message', (data, client) => {
    if (kept.length < 10_000) kept.push(data)
    const name = `${client.address} ${client.port}`
    let socket = outward.get(name)
    if (!socket) {
      socket = large(host)
      outward.set(name, socket)
      socket.on('message', (answer) => pass(answer, (bytes) => front.send(bytes, client.port, client.address)))
    }
    const out = socket
    pass(data, (bytes) => out.send(bytes, server.port, server.host))
  })
  return front.address().port
}

export function set(next: Partial<Weather>): void {
  weather = { ...fine, ...next }
  random = weather.seed
}

export const losses = (): number => lost.count

/** What clients have sent since the last call, of one message type (1 initiation, 4 data). */
export function keep(type: number): Buffer[] {
  const found = kept.filter((data) => data[0] === type)
  kept = []
  return found
}

/** Sends datagrams to the server from a socket of its own; gives how many answers came to it in a while after. */
export async function forge(datagrams: readonly Uint8Array[], wait: number): Promise<number> {
  const socket = large(server.host)
  let answers = 0
  socket.on('message', () => answers++)
  for (const data of datagrams) {
    await new Promise((resolve) => socket.send(data, server.port, server.host, resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, wait))
  socket.close()
  return answers
}
