// A UDP datagram, and an ICMP message, out of the tunnel.
import type { Address, Peer } from '../connection.js'
import { destinationOf, sourceOf } from './addresses.js'
import type { Bridge } from './bridge.js'
import { COMMAND, turned } from './records.js'

/** What a message needs of the server that it came by. */
export interface MessageOwner {
  readonly bridge: Bridge
  peer(header: Buffer): Peer
}

const NOTHING = Buffer.alloc(0)

/** What both kinds have: bytes from one address to another. */
class Message {
  protected readonly owner: MessageOwner
  protected readonly header: Buffer
  /** The payload; of an ICMP message from its type byte on. */
  readonly data: Buffer

  /** @internal */
  constructor(owner: MessageOwner, header: Buffer, data: Buffer) {
    this.owner = owner
    this.header = header
    this.data = data
  }

  get source(): Address {
    return sourceOf(this.header)
  }

  get destination(): Address {
    return destinationOf(this.header)
  }

  /** The WireGuard peer that sent it. */
  get peer(): Peer {
    return this.owner.peer(this.header)
  }
}

/** A UDP datagram from a peer to any address. */
export class Datagram extends Message {
  /** The same number for all datagrams of one pair of ends, until 60 s have passed without one either way. */
  readonly flow: number

  /** @internal */
  constructor(owner: MessageOwner, flow: number, header: Buffer, data: Buffer) {
    super(owner, header, data)
    this.flow = flow
  }

  /** Sends an answer from where this one went to. Up to 65,507 bytes (IPv6: 65,487); over the MTU in fragments. */
  reply(data: Uint8Array): void {
    this.owner.bridge.message(COMMAND.sendDatagram, turned(this.header), data)
  }

  /** @internal The same without its bytes, to answer by for as long as the flow lives. */
  bare(): Datagram {
    return new Datagram(this.owner, this.flow, this.header, NOTHING)
  }

  /** Nobody is there: the peer gets an ICMP port unreachable (RFC 1122, 4.1.3.1). */
  refuse(): void {
    this.owner.bridge.command(COMMAND.refuseDatagram, this.flow)
  }
}

/** An ICMP or ICMPv6 message from a peer to an address that is not the tunnel's own. */
export class IcmpMessage extends Message {
  /** RFC 792, RFC 4443: 8 and 128 are echo requests. */
  get type(): number {
    return this.data[0] ?? 0
  }

  get code(): number {
    return this.data[1] ?? 0
  }

  /** Sends an ICMP message, from its type byte on, from where this one went to; the checksum is made. */
  reply(message: Uint8Array): void {
    this.owner.bridge.message(COMMAND.sendIcmp, turned(this.header), message)
  }
}
