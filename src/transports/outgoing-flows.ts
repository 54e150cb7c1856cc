// UDP with servers through a tunnel whose client midwire is: a flow for each, with a port of its own, as a socket would have.
import { addressOf, ipText, plainAddress } from '../addresses.js'
import type { Address } from '../connection.js'
import { Living } from './living.js'
import { ServerDatagrams } from './server-datagrams.js'

/** The flows that one tunnel may have. */
export const MAX_OUTGOING_FLOWS = 10_000

/** The ports that the flows have: those that are not registered for any service (RFC 6335, 6), and as many before them. */
const FIRST_PORT = 32_768
const PORTS = 65_536 - FIRST_PORT

/** The end of the tunnel, as far as flows need it. */
export interface DatagramSender {
  /** May throw, for data that are too long. */
  sendDatagram(data: Uint8Array, source: Address, destination: Address): void
}

/** A datagram that has come out of the tunnel. */
interface Received {
  readonly source: Address
  readonly destination: Address
  readonly data: Buffer
}

/** The flows of a tunnel, by their ports. */
export class OutgoingFlows {
  readonly #sender: DatagramSender
  readonly #draw: (below: number) => number
  readonly #flows = new Living<number, OutgoingFlow>()

  /** `draw` gives a whole number by chance, which nobody can guess, from 0 to less than its argument. */
  constructor(sender: DatagramSender, draw: (below: number) => number) {
    this.#sender = sender
    this.#draw = draw
  }

  get size(): number {
    return this.#flows.size
  }

  /**
   * A flow from an address of ours to a server. Its port cannot be guessed, so that nobody who does not see the flow can answer in the
   * server's place (RFC 6056). `ended` is called when the flow is over. Throws EMFILE where there are too many.
   */
  open(from: string, address: string, port: number, ended: () => void = () => {}): OutgoingFlow {
    if (this.#flows.size >= MAX_OUTGOING_FLOWS) {
      throw Object.assign(new Error(`the tunnel has ${MAX_OUTGOING_FLOWS} UDP flows already`), { code: 'EMFILE' })
    }
    let own = FIRST_PORT + this.#draw(PORTS)
    while (this.#flows.has(own)) own = FIRST_PORT + ((own - FIRST_PORT + 1) % PORTS)
    const remote = addressOf(plainAddress(address) ?? address, port)
    const flow = new OutgoingFlow(this.#sender, addressOf(from, own), remote, () => {
      this.#flows.delete(own)
      ended()
    })
    this.#flows.set(own, flow)
    return flow
  }

  /** Called with each datagram of the tunnel. False for one that no flow has asked for. */
  handleDatagram({ source, destination, data }: Received): boolean {
    const flow = this.#of(destination, source)
    flow?.handleDatagram(data)
    return flow !== undefined
  }

  /** Called with each ICMP message of the tunnel, from its type byte on. A server that refuses a flow's datagrams ends the flow. */
  handleIcmp(message: Buffer, family: 4 | 6): void {
    const quoted = family === 4 ? refused(message) : refusedV6(message)
    if (!quoted) return
    this.#of(quoted.source, quoted.destination)?.handleRefused()
  }

  /** Called when the tunnel has ended. */
  handleGone(error?: NodeJS.ErrnoException): void {
    for (const flow of [...this.#flows.values()]) flow.handleOver(error)
  }

  #of(local: Address, remote: Address): OutgoingFlow | undefined {
    const flow = this.#flows.get(local.port)
    return flow && isSame(flow.local, local) && isSame(flow.remote, remote) ? flow : undefined
  }
}

const isSame = (a: Address, b: Address) => a.port === b.port && a.address === b.address

export class OutgoingFlow extends ServerDatagrams {
  readonly local: Address
  readonly remote: Address
  readonly #sender: DatagramSender
  readonly #forget: () => void

  constructor(sender: DatagramSender, local: Address, remote: Address, forget: () => void) {
    super()
    this.#sender = sender
    this.local = local
    this.remote = remote
    this.#forget = forget
  }

  /** Called when the server has said that nobody is at its port. */
  handleRefused(): void {
    const { address, port } = this.remote
    const error = new Error(`read ECONNREFUSED ${address}:${port}`)
    this.handleOver(Object.assign(error, { code: 'ECONNREFUSED', syscall: 'read' }))
  }

  protected send(data: Uint8Array): void {
    try {
      this.#sender.sendDatagram(data, this.local, this.remote)
    } catch {
      // The data is longer than a datagram can be, or the tunnel has just ended.
      this.drop()
    }
  }

  protected release(): void {
    this.#forget()
  }
}

const UDP = 17
const FRAGMENT = 44
const ICMP_HEADER = 8

interface Quoted {
  /** Our end. */
  readonly source: Address
  readonly destination: Address
}

/** The ends of the datagram that a message calls unwanted: port unreachable (RFC 792). Undefined for any other message. */
function refused(message: Buffer): Quoted | undefined {
  if (message[0] !== 3 || message[1] !== 3) return undefined
  const packet = message.subarray(ICMP_HEADER)
  const header = 4 * ((packet[0] ?? 0) & 0x0f)
  if ((packet[0] ?? 0) >> 4 !== 4 || header < 20 || packet.length < header + 4 || packet[9] !== UDP) return undefined
  return ends(packet, 12, 4, header)
}

/** The same of ICMPv6 (RFC 4443, 3.1). A long datagram of ours has left in fragments, and the first of them is quoted. */
function refusedV6(message: Buffer): Quoted | undefined {
  if (message[0] !== 1 || message[1] !== 4) return undefined
  const packet = message.subarray(ICMP_HEADER)
  if ((packet[0] ?? 0) >> 4 !== 6) return undefined
  const isFragment = packet[6] === FRAGMENT
  const header = isFragment ? 48 : 40
  if (packet.length < header + 4 || packet[isFragment ? 40 : 6] !== UDP) return undefined
  return ends(packet, 8, 16, header)
}

function ends(packet: Buffer, at: number, length: number, header: number): Quoted {
  const address = (from: number) => ipText(packet.subarray(from, from + length))
  return {
    source: addressOf(address(at), packet.readUInt16BE(header)),
    destination: addressOf(address(at + length), packet.readUInt16BE(header + 2)),
  }
}
