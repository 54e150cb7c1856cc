// The kernel's sockets against a stack in user space: bulk both ways on one connection, pauses, and being connected to.
import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fingerprint, Repeat } from '../support/fingerprint.js'
import { pattern } from '../support/pattern.js'

async function connect(host: string, port: number): Promise<Socket> {
  const socket = open({ host, port, allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect', { signal: AbortSignal.timeout(20_000) })
  return socket
}

/** So many bytes of the pattern, behind their number; gives their fingerprint. */
async function speak(socket: Socket, bytes: number): Promise<string> {
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(bytes))
  socket.write(head)
  const fingerprint = new Fingerprint()
  for (const chunk of pattern(bytes)) {
    fingerprint.add(chunk)
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  return fingerprint.text()
}

/** Reads what the stack has to say, byte for byte as it must be; gives the stack's fingerprint of what it heard. */
function listenTo(socket: Socket, bytes: number, pause: number): Promise<string> {
  const expected = new Repeat()
  let received = 0
  let answer = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('end', () => reject(new Error(`the stack ended after ${received} bytes`)))
    socket.on('data', async (chunk: Buffer) => {
      const data = chunk.subarray(0, bytes - received)
      const wrong = expected.difference(data)
      if (wrong >= 0) return reject(new Error(`byte ${received + wrong} is another one`))
      const paused = received < bytes / 2 && received + data.length >= bytes / 2
      received += data.length
      answer = Buffer.concat([answer, chunk.subarray(data.length)])
      if (answer.length === 8) return resolve(answer.toString('hex'))
      if (!pause || !paused) return
      socket.pause()
      await sleep(pause)
      socket.resume()
    })
  })
}

/** So many bytes each way at once. Gives the fingerprint of what was sent, ours and the stack's. `pause`: at half, in ms. */
export async function bothWays(host: string, port: number, bytes: number, pause = 0): Promise<[string, string]> {
  const socket = await connect(host, port)
  const fingerprints = await Promise.all([speak(socket, bytes), listenTo(socket, bytes, pause)])
  socket.removeAllListeners('end')
  socket.end()
  await once(socket, 'end', { signal: AbortSignal.timeout(10_000) })
  return fingerprints
}

/** Asks the stack for a connection to here: what it says became of it, and what it echoes there. */
export async function connectBack(
  host: string,
  port: number,
  here: string,
  listening: boolean,
): Promise<[string, string]> {
  const listener = createServer({ allowHalfOpen: true })
  listener.listen(0, here)
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on no port')
  const accepted = listening ? once(listener, 'connection') : undefined
  if (!listening) listener.close()
  const socket = await connect(host, port)
  socket.write(`${here} ${address.port}\n`)
  const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
  let echo = ''
  if (accepted) {
    const [guest]: Socket[] = await accepted
    guest?.end('hello')
    for await (const chunk of guest ?? []) echo += chunk
    listener.close()
  }
  socket.destroy()
  return [String(answer), echo]
}
