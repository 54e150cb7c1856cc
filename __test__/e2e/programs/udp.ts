// UDP clients in a client's namespace, on the kernel's sockets.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { patternBytes } from '../support/pattern.js'

function socketFor(host: string): Socket {
  // Room for the longest datagrams, in fragments or whole.
  return createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 })
}

async function next(socket: Socket, ms: number): Promise<{ data: Buffer; address: string; port: number }> {
  const late = AbortSignal.timeout(ms)
  const [data, { address, port }] = await once(socket, 'message', { signal: late })
  return { data, address, port }
}

/** Sends a datagram of this length; gives who answered, and whether with the same bytes. */
export async function ask(
  host: string,
  port: number,
  bytes: number,
  ms = 5000,
): Promise<{ same: boolean; bytes: number; address: string; port: number }> {
  const socket = socketFor(host)
  const data = patternBytes(bytes)
  try {
    const answer = next(socket, ms)
    socket.send(data, port, host)
    const { data: echo, address, port: from } = await answer
    return { same: echo.equals(data), bytes: echo.length, address, port: from }
  } finally {
    socket.close()
  }
}

/** Asks until there is an answer; gives the milliseconds it took. */
export async function askUntil(host: string, port: number, limit: number): Promise<number> {
  const begin = performance.now()
  for (;;) {
    try {
      await ask(host, port, 8, 200)
      return performance.now() - begin
    } catch (error) {
      if (performance.now() - begin > limit) throw error
    }
  }
}

/** Sends from a connected socket; gives the code of the error that comes back, or 'silence' after so many milliseconds. */
export async function refusal(host: string, port: number, ms: number): Promise<string> {
  const socket = socketFor(host)
  try {
    socket.connect(port, host)
    await once(socket, 'connect')
    return await new Promise((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
      setTimeout(resolve, ms, 'silence')
      socket.send('anybody there?')
    })
  } finally {
    socket.close()
  }
}

/** Sends so many datagrams, some of them ahead of their answers; gives how many different ones came back. */
export async function burst(host: string, port: number, count: number, bytes: number, ahead: number): Promise<number> {
  const socket = socketFor(host)
  const seen = new Set<number>()
  socket.on('message', (data) => seen.add(data.readUInt32BE()))
  const progress = async (wanted: number): Promise<void> => {
    const end = performance.now() + 1000
    while (seen.size < wanted && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (let at = 0; at < count; at++) {
    const data = Buffer.alloc(bytes)
    data.writeUInt32BE(at)
    await new Promise((resolve) => socket.send(data, port, host, resolve))
    await progress(at - ahead)
  }
  await progress(count)
  socket.close()
  return seen.size
}

interface Received {
  text: string
  address: string
  port: number
}

let coming: Promise<Received> | undefined

/** Waits for a datagram at this port; `received()` gives it. */
export async function listen(address: string, port: number, ms: number): Promise<void> {
  const socket = socketFor(address)
  socket.bind(port, address)
  await once(socket, 'listening')
  coming = next(socket, ms)
    .then(({ data, ...from }) => ({ text: data.toString(), ...from }))
    .finally(() => socket.close())
  coming.catch(() => {})
}

export async function received(): Promise<Received> {
  if (!coming) throw new Error('nobody listens')
  return coming
}
