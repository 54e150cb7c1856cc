// A SOCKS5 client that sends datagrams (UDP ASSOCIATE).
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { ExecutionContext } from 'ava'
import { readSocksAddress, type SocksPlace, socksAddress } from '../../src/layers/socks/address.js'
import { parseSocksDatagram, type SocksDatagram, socksHeader } from '../../src/layers/socks/datagram.js'
import { dial, type Talk } from './talk.js'
import { Heard } from './udp-talk.js'

/** A bound UDP socket that goes with the test, and what has come to it. */
export class Mailbox {
  readonly socket: Socket
  readonly port: number
  readonly #heard = new Heard()

  private constructor(socket: Socket) {
    this.socket = socket
    this.port = socket.address().port
    socket.on('message', (data) => this.#heard.handle(data))
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
    return this.#heard.next()
  }
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
  const [, method] = await talk.hearsOctets(2)
  if (method === 255) throw new Error('no method is accepted')
  if (user !== undefined) {
    const field = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
    talk.says(Buffer.concat([Buffer.from([1]), field(user), field(password)]))
    if ((await talk.hearsOctets(2))[1] !== 0) throw new Error('the password is not accepted')
  }
  const place = socksAddress({ host: '0.0.0.0', port: announced }) ?? Buffer.alloc(0)
  talk.says(Buffer.concat([Buffer.from([5, 3, 0]), place]))
  const head = await talk.hearsOctets(4)
  if (head[1] !== 0) throw new Error(`reply ${head[1]}`)
  const rest = await talk.hearsOctets(head[3] === 4 ? 18 : 6)
  const relay = readSocksAddress(Buffer.concat([head, rest]), 3)?.place
  if (!relay) throw new Error('the reply has no address')
  return new Associated(talk, relay, await Mailbox.open(t, host))
}
