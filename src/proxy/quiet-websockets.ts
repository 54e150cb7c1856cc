// Two WebSocket servers at 127.0.0.1 for mocks: one sends each message back, the other says nothing. They listen once a mock needs them.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** The bytes that a request's head may have. It comes from midwire itself. */
const MAX_HEAD = 512 * 1024

/** RFC 6455, 1.3. */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const [CLOSE, PING, PONG] = [8, 9, 10]

type Kind = 'echo' | 'listen'

export class QuietWebSockets {
  readonly #servers = new Map<Kind, Promise<Server>>()
  readonly #sockets = new Set<Socket>()

  /** The port of the server of that kind. */
  async port(kind: Kind): Promise<number> {
    let server = this.#servers.get(kind)
    if (!server) {
      server = this.#listen(kind)
      this.#servers.set(kind, server)
    }
    return ((await server).address() as AddressInfo).port
  }

  close(): void {
    for (const server of this.#servers.values()) server.then((one) => one.close()).catch(() => {})
    this.#servers.clear()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #listen(kind: Kind): Promise<Server> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // Whatever goes wrong here is seen at the other end, which is midwire's, as a lost connection.
      socket.on('error', () => {})
      serve(socket, kind).catch(() => socket.destroy())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    // The mocks of a program do not keep it running.
    server.unref()
    return server
  }
}

/** What a socket has sent, to be taken as it is wanted. */
class Arriving {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** So many bytes. Throws at the end. */
  async take(length: number): Promise<Buffer> {
    while (this.#rest.length < length) await this.#more()
    return this.#cut(length)
  }

  /** Those that are there, or that come next: at least one, and at most so many. */
  async some(most: number): Promise<Buffer> {
    if (this.#rest.length === 0) await this.#more()
    return this.#cut(Math.min(most, this.#rest.length))
  }

  /** Everything up to an empty line. */
  async head(): Promise<string> {
    while (!this.#rest.includes('\r\n\r\n')) {
      if (this.#rest.length > MAX_HEAD) throw new Error('a head that is too long')
      await this.#more()
    }
    return this.#cut(this.#rest.indexOf('\r\n\r\n') + 4).toString('latin1')
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next()
    if (done) throw new Error('the end')
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value])
  }

  #cut(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }
}

async function serve(socket: Socket, kind: Kind): Promise<void> {
  const arriving = new Arriving(socket)
  const head = await arriving.head()
  await write(socket, Buffer.from(agreement(head), 'latin1'))
  for (;;) {
    const [first = 0, second = 0] = await arriving.take(2)
    const opcode = first & 0x0f
    const short = second & 0x7f
    const extended = short === 126 ? await arriving.take(2) : short === 127 ? await arriving.take(8) : undefined
    const length = !extended ? short : Number(BigInt(`0x${extended.toString('hex')}`))
    const mask = second & 0x80 ? await arriving.take(4) : Buffer.alloc(4)
    const answers = kind === 'echo' ? opcode !== PONG : opcode === PING || opcode === CLOSE
    // A server does not mask. Extensions were not agreed on, so that no other bit is set.
    const start = Buffer.from([opcode === PING ? 0x80 | PONG : first, short])
    if (answers) await write(socket, extended ? Buffer.concat([start, extended]) : start)
    for (let at = 0; at < length; ) {
      const piece = await arriving.some(length - at)
      if (answers) await write(socket, unmasked(piece, mask, at))
      at += piece.length
    }
    if (opcode === CLOSE) {
      socket.end()
      return
    }
  }
}

/** The answer to the request that opens a WebSocket (RFC 6455, 4.2.2): the first of its protocols, and no extension. */
function agreement(head: string): string {
  const field = (name: string) => new RegExp(`^${name}: *(.*?) *$`, 'im').exec(head)?.[1]
  const accept = createHash('sha1')
    .update((field('sec-websocket-key') ?? '') + MAGIC)
    .digest('base64')
  const protocol = field('sec-websocket-protocol')?.split(',')[0]?.trim()
  const chosen = protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  return `${upgrade}Sec-WebSocket-Accept: ${accept}\r\n${chosen}\r\n`
}

function unmasked(piece: Buffer, mask: Buffer, at: number): Buffer {
  return Buffer.from(piece.map((octet, index) => octet ^ (mask[(at + index) % 4] ?? 0)))
}

async function write(socket: Socket, data: Buffer): Promise<void> {
  if (socket.write(data)) return
  const gone = new AbortController()
  const left = () => gone.abort()
  socket.once('close', left)
  try {
    await once(socket, 'drain', { signal: gone.signal })
  } finally {
    socket.off('close', left)
  }
}
