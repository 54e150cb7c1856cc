// UDP datagrams and ICMP messages that have come out of the tunnel.
import type { Address, Peer } from '../connection.js'
import { destinationOf, sourceOf } from './addresses.js'
import type { Bridge } from './bridge.js'
import { COMMAND, turned } from './records.js'

/** What a message needs of its server. */
export interface MessageOwner {
  readonly bridge: Bridge
  peer(header: Buffer): Peer
}

const NOTHING = Buffer.alloc(0)

/** The common part of datagrams and ICMP messages: bytes from one address to another. */
class Message {
  protected readonly owner: MessageOwner
  protected readonly header: Buffer
  /** The payload; an ICMP message begins with its type byte. */
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

  /** The WireGuard peer that has sent the message. */
  get peer(): Peer {
    return this.owner.peer(this.header)
  }
}

/** A UDP datagram from a peer to any address. */
export class Datagram extends Message {
  /** The number of the flow: the same for all datagrams between two ends, until none has passed either way for 60 s. */
  readonly flow: number

  /** @internal */
  constructor(owner: MessageOwner, flow: number, header: Buffer, data: Buffer) {
    super(owner, header, data)
    this.flow = flow
  }

  /**
   * Sends an answer, from the destination of this datagram to its source. Up to 65,507 bytes (IPv6: 65,487), beyond the MTU in
   * fragments. Throws ERR_ARGUMENT for more.
   */
  reply(data: Uint8Array): void {
    this.owner.bridge.message(COMMAND.sendDatagram, turned(this.header), data)
  }

  /** @internal A copy without data, to send answers with for as long as the flow lives. */
  bare(): Datagram {
    return new Datagram(this.owner, this.flow, this.header, NOTHING)
  }

  /** Refuses the datagram: the peer gets an ICMP port unreachable (RFC 1122, 4.1.3.1). */
  refuse(): void {
    this.owner.bridge.command(COMMAND.refuseDatagram, this.flow)
  }
}

/** An ICMP or ICMPv6 message from a peer to an address that is not the tunnel's own. */
export class IcmpMessage extends Message {
  /** The type of RFC 792 or RFC 4443: 8 and 128 are echo requests. */
  get type(): number {
    return this.data[0] ?? 0
  }

  get code(): number {
    return this.data[1] ?? 0
  }

  /** Sends an ICMP message, from its type byte on, from the destination of this one to its source. The checksum is filled in. */
  reply(message: Uint8Array): void {
    this.owner.bridge.message(COMMAND.sendIcmp, turned(this.header), message)
  }
}
