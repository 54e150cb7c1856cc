// TCP clients in a client's namespace, on the kernel's sockets: everything they send goes through the tunnel.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { emit } from '../support/emit.js'
import { pattern } from '../support/pattern.js'

const held: Socket[] = []

async function connect(host: string, port: number, timeout = 20_000, localPort = 0): Promise<Socket> {
  const socket = open({ host, port, localPort, allowHalfOpen: true, noDelay: true })
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`no connection to ${host} port ${port} in ${timeout} ms`), { code: 'LATE' }))
  }, timeout)
  try {
    await once(socket, 'connect')
    // Linux announces an ICMP error for a SYN over IPv4 before it is the socket's, and libuv, where it looks in between, takes the socket
    // for connected. It has no other end then, and the error comes with the first read.
    if (socket.remoteAddress === undefined) {
      socket.resume()
      await once(socket, 'close')
    }
  } finally {
    clearTimeout(timer)
  }
  return socket
}

/** Listens; who connects and speaks to the end hears it back with a greeting. */
export async function listen(host: string, port: number, greeting: string): Promise<void> {
  const listener = createServer({ allowHalfOpen: true }, async (socket) => {
    const text = await rest(socket)
    socket.end(`${text} ${greeting}`)
  })
  listener.listen(port, host)
  await once(listener, 'listening')
}

/** Everything up to the other end's end. */
function rest(socket: Socket): Promise<Buffer> {
  // Not `for await`, which destroys the socket at its end: the other direction may still be in use.
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks)))
    socket.on('error', reject)
  })
}

/** Says something, ends, and gives the answer and the milliseconds it all took. */
export async function ask(host: string, port: number, text: string, timeout?: number): Promise<[string, number]> {
  const begin = performance.now()
  const socket = await connect(host, port, timeout)
  socket.end(text)
  const answer = (await rest(socket)).toString()
  return [answer, performance.now() - begin]
}

/** Asks the echo service until it answers; gives the milliseconds it took. A lost first packet costs little so. */
export async function askUntil(host: string, port: number, text: string, limit: number): Promise<number> {
  const begin = performance.now()
  for (;;) {
    try {
      await ask(host, port, text, 300)
      return performance.now() - begin
    } catch (error) {
      if (performance.now() - begin > limit) throw error
    }
  }
}

/** How an attempt to connect ends: its error code and the milliseconds. */
export async function attempt(host: string, port: number, timeout: number): Promise<{ code: string; ms: number }> {
  const begin = performance.now()
  try {
    const socket = await connect(host, port, timeout)
    socket.destroy()
    return { code: 'connected', ms: performance.now() - begin }
  } catch (error) {
    return { code: String((error as NodeJS.ErrnoException).code), ms: performance.now() - begin }
  }
}

/** Is silent until the server has spoken, then says a line: what was heard before and after, and the milliseconds of silence. */
export async function hear(
  host: string,
  port: number,
  text: string,
): Promise<{ first: string; answer: string; ms: number }> {
  const begin = performance.now()
  const socket = await connect(host, port)
  const [first] = await once(socket, 'data')
  const ms = performance.now() - begin
  socket.write(text)
  const [answer] = await once(socket, 'data')
  socket.end()
  return { first: String(first), answer: String(answer), ms }
}

async function writePattern(socket: Socket, bytes: number): Promise<void> {
  for (const chunk of pattern(bytes)) {
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
}

/** Sends so much of the pattern, ends, and gives what the discard service says it got. */
export async function upload(host: string, port: number, bytes: number): Promise<{ bytes: number; sha256: string }> {
  const socket = await connect(host, port)
  await writePattern(socket, bytes)
  socket.end()
  return JSON.parse((await rest(socket)).toString())
}

async function request(host: string, port: number, bytes: number): Promise<Socket> {
  const socket = await connect(host, port)
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(bytes))
  socket.write(head)
  return socket
}

async function take(socket: Socket): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    hash.update(chunk)
  })
  await once(socket, 'end')
  return { bytes, sha256: hash.digest('hex') }
}

/** Takes so much from the source service, and hashes it. */
export async function download(host: string, port: number, bytes: number): Promise<{ bytes: number; sha256: string }> {
  const socket = await request(host, port, bytes)
  const taken = await take(socket)
  socket.end()
  return taken
}

/** So much of the pattern to the echo service and back at once, so often, each time on a new connection. */
export async function echoes(host: string, port: number, bytes: number, times: number): Promise<string[]> {
  const hashes: string[] = []
  for (let at = 0; at < times; at++) {
    const socket = await connect(host, port)
    const [{ sha256 }] = await Promise.all([take(socket), writePattern(socket, bytes).then(() => socket.end())])
    hashes.push(sha256)
  }
  return hashes
}

/** The same, with our own end said before the first byte comes. */
export async function askAndEnd(host: string, port: number, bytes: number): Promise<{ bytes: number; sha256: string }> {
  const socket = await request(host, port, bytes)
  socket.end()
  return take(socket)
}

/** Asks the source service for more than it will take: reads so much, then nothing. The connection stays until `release()`. */
export async function stopReading(host: string, port: number, bytes: number, after: number): Promise<void> {
  const socket = await request(host, port, bytes)
  held.push(socket)
  let received = 0
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received < after) return
      socket.pause()
      resolve()
    })
  })
}

/** Writes until the other end has taken no more for a while; gives the bytes. The connection stays until `release()`. */
export async function fill(host: string, port: number, bytes: number, quiet: number): Promise<number> {
  const socket = await connect(host, port)
  held.push(socket)
  // A reset when it is released is no news.
  socket.on('error', () => {})
  let sent = 0
  for (const chunk of pattern(bytes)) {
    sent += chunk.length
    if (socket.write(chunk)) continue
    const drained = once(socket, 'drain').then(() => true)
    const late = new Promise<false>((resolve) => setTimeout(resolve, quiet, false))
    if (!(await Promise.race([drained, late]))) break
  }
  return sent
}

/** Opens so many connections, some at a time; each says something and hears it back; all stay open until `release()`. */
export async function many(host: string, port: number, count: number, atOnce: number): Promise<number> {
  let left = count
  const work = async (): Promise<void> => {
    while (left > 0) {
      const text = `connection ${left--}`
      const socket = await connect(host, port)
      held.push(socket)
      socket.write(text)
      let echo = ''
      while (echo.length < text.length) {
        const [chunk] = await once(socket, 'data')
        echo += chunk
      }
      if (echo !== text) throw new Error(`'${echo}' came back for '${text}'`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return held.length
}

/** Every held connection says something once more and hears it back, all at the same time. */
export async function again(text: string): Promise<number> {
  await Promise.all(
    held.map(async (socket) => {
      socket.write(text)
      let echo = ''
      while (echo.length < text.length) {
        const [chunk] = await once(socket, 'data')
        echo += chunk
      }
      if (echo !== text) throw new Error(`'${echo}' came back for '${text}'`)
    }),
  )
  return held.length
}

/** Ends the held connections, and waits for the other ends' ends. */
export async function release(): Promise<void> {
  await Promise.all(
    held.splice(0).map(async (socket) => {
      socket.resume()
      socket.end()
      if (!socket.readableEnded) await once(socket, 'end')
    }),
  )
}

/** Ends them at once: RST. */
export function abandon(): void {
  for (const socket of held.splice(0)) socket.resetAndDestroy()
}

/** Writes one byte, then waits for how the connection ends: 'end', or an error code. */
export async function fate(host: string, port: number): Promise<string> {
  const socket = await connect(host, port)
  socket.write('x')
  return fateOf(socket)
}

function fateOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    socket.on('end', () => resolve('end'))
    socket.resume()
  })
}

let fateOfStaying: Promise<string> | undefined

/** Waits for the server's first word, and stays; `fateOfStayed()` tells how it ended. */
export async function stay(host: string, port: number): Promise<void> {
  const socket = await connect(host, port)
  await once(socket, 'data')
  fateOfStaying = fateOf(socket)
}

export const fateOfStayed = (): Promise<string> | undefined => fateOfStaying

/** Connects, says something, waits for the answer or not, and resets (as SO_LINGER 0 does). Gives the local port. */
export async function connectAndReset(host: string, port: number, wait: boolean, from?: number): Promise<number> {
  const socket = await connect(host, port, 2000, from)
  const { localPort } = socket
  socket.write('x')
  if (wait) await once(socket, 'data')
  socket.resetAndDestroy()
  return localPort ?? 0
}

/** Reads to the other end's end, then sends so much of the pattern on what is still open, and ends. Gives what was read. */
export async function answerLate(host: string, port: number, bytes: number): Promise<string> {
  const socket = await connect(host, port)
  const text = (await rest(socket)).toString()
  await writePattern(socket, bytes)
  socket.end()
  await once(socket, 'close')
  return text
}

/** A conversation that goes on until `stopTalking()`: numbered messages to the echo service, one after the other, each checked. */
let talking: Promise<void> | undefined
let talker: Socket | undefined
let said = 0
let silence = false

export async function talk(host: string, port: number): Promise<void> {
  const socket = await connect(host, port)
  talker = socket
  said = 0
  silence = false
  const failed = new Promise<never>((_, reject) => socket.on('error', reject))
  talking = Promise.race([failed, converse(socket)])
  talking.catch((error) => emit('talk failed', String(error)))
}

async function converse(socket: Socket): Promise<void> {
  let received = Buffer.alloc(0)
  while (!silence) {
    const message = Buffer.alloc(1000)
    message.writeUInt32BE(said)
    socket.write(message)
    while (received.length < message.length) received = Buffer.concat([received, (await once(socket, 'data'))[0]])
    const echo = received.subarray(0, message.length)
    if (!echo.equals(message)) throw new Error(`message ${echo.readUInt32BE()} came back for ${said}`)
    received = received.subarray(message.length)
    said += 1
    if (said % 50 === 0) emit('said', said)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  socket.end()
  const more = await rest(socket)
  if (received.length + more.length > 0) throw new Error('something came back that was never said')
}

/** Says something out of turn. A client whose last message was acknowledged, and that waits for the echo, would never say anything. */
export function interrupt(): void {
  talker?.write('are you there?')
}

export const heard = (): number => said

/** Ends the conversation; an error of it is one here. Gives the number of messages. */
export async function stopTalking(): Promise<number> {
  silence = true
  await talking
  return said
}
