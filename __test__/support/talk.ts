// One end of a connection in a test: says things, and waits for what is heard.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ExecutionContext } from 'ava'

/** Waits until `ready` says so, each time that one of the things it depends on calls `look`. */
class Waiting {
  #all: { ready: () => unknown; settle: () => void }[] = []

  look(): void {
    this.#all = this.#all.filter(({ ready, settle }) => {
      if (!ready()) return true
      settle()
      return false
    })
  }

  for(ready: () => unknown): Promise<void> {
    return new Promise((settle) => {
      this.#all.push({ ready, settle })
      this.look()
    })
  }
}

export class Talk<Of extends Duplex = Socket> {
  readonly socket: Of
  /** What was heard and not yet taken by `hears`. */
  rest = Buffer.alloc(0)
  /** The other side has sent FIN. */
  ended = false
  closed = false
  error: NodeJS.ErrnoException | undefined
  readonly #waiting = new Waiting()

  constructor(socket: Of) {
    this.socket = socket
    socket.on('data', (data: Buffer) => {
      this.rest = Buffer.concat([this.rest, data])
      this.#waiting.look()
    })
    socket.on('end', () => {
      this.ended = true
      this.#waiting.look()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error ??= error
    })
    socket.on('close', () => {
      this.closed = true
      this.#waiting.look()
    })
  }

  says(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  /** Everything up to and with `text`. Throws where the other side ends before it. */
  async hears(text: string | Buffer): Promise<string> {
    await this.#waiting.for(() => this.rest.includes(text) || this.ended || this.closed)
    const at = this.rest.indexOf(text)
    if (at === -1) throw new Error(`${this.error ?? 'the end'} came before ${text}: ${this.rest}`)
    const heard = this.rest.subarray(0, at + text.length).toString('latin1')
    this.rest = this.rest.subarray(at + text.length)
    return heard
  }

  /** The next octets. Throws where the other side ends before them. */
  async hearsOctets(length: number): Promise<Buffer> {
    await this.#waiting.for(() => this.rest.length >= length || this.ended || this.closed)
    if (this.rest.length < length) throw new Error(`${this.error ?? 'the end'} came before ${length} octets`)
    const heard = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return heard
  }

  /** Everything up to the other side's FIN, or the loss of the connection. */
  async hearsAll(): Promise<string> {
    await this.#waiting.for(() => this.ended || this.closed)
    const heard = this.rest.toString('latin1')
    this.rest = Buffer.alloc(0)
    return heard
  }

  /** The error with which the connection went, if it did not end by itself. */
  async gone(): Promise<NodeJS.ErrnoException | undefined> {
    await this.#waiting.for(() => this.closed)
    return this.error
  }
}

/** A TCP connection, half-open if it comes to that, which goes with the test. */
export async function dial(t: ExecutionContext, port: number, host = '127.0.0.1'): Promise<Talk> {
  const socket = connect({ port, host, allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  const talk = new Talk(socket)
  await once(socket, 'connect')
  return talk
}

export interface Listening {
  readonly port: number
  /** Every connection that has come, in order. */
  readonly talks: Talk[]
  /** The connection of that number, once it has come. */
  talk(number: number): Promise<Talk>
}

/** A TCP server that goes with the test, with all of its connections. */
export async function listen(
  t: ExecutionContext,
  begin: (talk: Talk) => unknown = () => {},
  host = '127.0.0.1',
): Promise<Listening> {
  const talks: Talk[] = []
  const waiting = new Waiting()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const talk = new Talk(socket)
    talks.push(talk)
    begin(talk)
    waiting.look()
  })
  await bind(t, server, host)
  t.teardown(() => {
    for (const { socket } of talks) socket.destroy()
  })
  return {
    port: portOf(server),
    talks,
    async talk(number) {
      await waiting.for(() => talks.length > number)
      return talks[number] as Talk
    },
  }
}

/** Listens on a free port of `host` until the test ends. */
export async function bind(t: ExecutionContext, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return portOf(server)
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port

/**
 * A port at which nobody listens, of TCP or UDP. It is below those that a system gives where any port will do (from 32768 in
 * Linux, from 49152 elsewhere): one of them would soon be the port of another test's server.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(randomInt(20_000, 32_768))
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    const port = portOf(server)
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Listens, and then never runs again; its queue holds two connections. */
const DEAF = `require('net').createServer().listen({ port: 0, host: process.argv[1], backlog: 1 }, function () {
  require('fs').writeSync(1, String(this.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** A port of `host` at which SYNs are not answered: the queue of who listens there is full (Linux drops them). */
export async function deafPort(t: ExecutionContext, host = '127.0.0.1'): Promise<number> {
  const program = spawn(process.execPath, ['-e', DEAF, host], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => program.kill('SIGKILL'))
  const [text] = (await once(program.stdout, 'data')) as [Buffer]
  const port = Number(text)
  for (let connected = 0; connected < 2; connected += 1) await dial(t, port, host)
  return port
}
