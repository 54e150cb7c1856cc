// A SOCKS5 client that sends datagrams (UDP ASSOCIATE), and a server of UDP that says everything back.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { ExecutionContext } from 'ava'
import { readSocksAddress, type SocksPlace, socksAddress } from '../../src/layers/socks/address.js'
import { parseSocksDatagram, type SocksDatagram, socksHeader } from '../../src/layers/socks/datagram.js'
import { dial, type Talk } from './talk.js'

/** A bound UDP socket that goes with the test, and what has come to it. */
export class Mailbox {
  readonly socket: Socket
  readonly port: number
  readonly #come: Buffer[] = []
  #awaits: ((data: Buffer) => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    this.port = socket.address().port
    socket.on('message', (data) => {
      const next = this.#awaits.shift()
      if (next) next(data)
      else this.#come.push(data)
    })
  }

  static async open(t: ExecutionContext, host = '127.0.0.1'): Promise<Mailbox> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4').bind(0, host)
    t.teardown(() => socket.close())
    await once(socket, 'listening')
    return new Mailbox(socket)
  }

  send(data: Uint8Array | string, { host, port }: SocksPlace): void {
    this.socket.send(data, port, host)
  }

  /** The next datagram. */
  next(): Promise<Buffer> {
    const come = this.#come.shift()
    return come ? Promise.resolve(come) : new Promise((resolve) => this.#awaits.push(resolve))
  }
}

/** A server that says everything back. */
export async function echo(t: ExecutionContext, host = '127.0.0.1'): Promise<{ port: number; heard: string[] }> {
  const { socket, port } = await Mailbox.open(t, host)
  const heard: string[] = []
  socket.on('message', (data, from) => {
    heard.push(`${data}`)
    socket.send(data, from.port, from.address)
  })
  return { port, heard }
}

export interface AssociateOptions {
  host?: string
  /** The port of the own datagrams that the client tells; 0 unless given. */
  announced?: number
  user?: string
  password?: string
  /** The connection, where it is not plain TCP to the host. */
  talk?: Talk
}

/** The next `length` bytes. Throws where the other side ends before them. */
async function octets(talk: Talk, length: number): Promise<Buffer> {
  while (talk.rest.length < length) {
    if (talk.ended || talk.closed)
      throw new Error(`the end came instead of ${length} bytes: ${talk.rest.toString('hex')}`)
    await Promise.race([once(talk.socket, 'data'), once(talk.socket, 'end'), once(talk.socket, 'close')])
  }
  const taken = talk.rest.subarray(0, length)
  talk.rest = talk.rest.subarray(length)
  return taken
}

/** A client of a relay, with a socket for its datagrams. */
export class Associated {
  readonly talk: Talk
  readonly relay: SocksPlace
  readonly box: Mailbox

  constructor(talk: Talk, relay: SocksPlace, box: Mailbox) {
    this.talk = talk
    this.relay = relay
    this.box = box
  }

  send(data: string | Uint8Array, to: SocksPlace, from = this.box): void {
    from.send(Buffer.concat([socksHeader(to) ?? Buffer.alloc(0), Buffer.from(data)]), this.relay)
  }

  /** The next answer. */
  async hears(): Promise<SocksDatagram> {
    const datagram = parseSocksDatagram(await this.box.next())
    if (typeof datagram === 'string') throw new Error(datagram)
    return datagram
  }

  /** Sends, and gives the text of the next answer and where that says to have come from. */
  async asks(data: string, to: SocksPlace): Promise<[text: string, place: SocksPlace]> {
    this.send(data, to)
    const answer = await this.hears()
    return [`${answer.data}`, answer.place]
  }
}

/** Asks a proxy for a relay. Throws where the proxy refuses. */
export async function associate(
  t: ExecutionContext,
  port: number,
  options: AssociateOptions = {},
): Promise<Associated> {
  const { host = '127.0.0.1', announced = 0, user, password = '' } = options
  const talk = options.talk ?? (await dial(t, port, host))
  talk.says(Buffer.from([5, 1, user === undefined ? 0 : 2]))
  const [, method] = await octets(talk, 2)
  if (method === 255) throw new Error('no method is accepted')
  if (user !== undefined) {
    const field = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
    talk.says(Buffer.concat([Buffer.from([1]), field(user), field(password)]))
    if ((await octets(talk, 2))[1] !== 0) throw new Error('the password is not accepted')
  }
  const place = socksAddress({ host: '0.0.0.0', port: announced }) ?? Buffer.alloc(0)
  talk.says(Buffer.concat([Buffer.from([5, 3, 0]), place]))
  const head = await octets(talk, 4)
  if (head[1] !== 0) throw new Error(`reply ${head[1]}`)
  const rest = await octets(talk, head[3] === 4 ? 18 : 6)
  const relay = readSocksAddress(Buffer.concat([head, rest]), 3)?.place
  if (!relay) throw new Error('the reply has no address')
  return new Associated(talk, relay, await Mailbox.open(t, host))
}
