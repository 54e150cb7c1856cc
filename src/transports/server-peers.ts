// The peers of a running WireGuard server: those of its options, and those that are added and removed later.
import type { Peer } from '../connection.js'
import { callNative, type NativePeer, type NativeServer } from '../native/load.js'
import { peerOf } from './records.js'
import { type PeerOptions, PeerTable } from './server-options.js'

/** A peer as the server sees it now. */
export interface PeerStatus extends Peer {
  /** The source of the peer's last authenticated message, else the configured endpoint. */
  readonly endpoint: string | undefined
  /** Seconds since the current session's handshake. */
  readonly handshakeAge: number | undefined
  /** Bytes of IP packets from the peer. */
  readonly receivedBytes: number
  /** Bytes of IP packets to the peer. */
  readonly sentBytes: number
  /** The number of messages and packets of this peer that were dropped: replays, wrong inner sources, lost sessions. */
  readonly dropped: number
  readonly allowedIps: string[]
}

export class ServerPeers {
  readonly #native: NativeServer
  /** The program's options for each peer, by the peer's number in the addon. `allowedIps` is always set. */
  readonly #options = new Map<number, PeerOptions>()
  /** One object for each peer, which all streams and datagrams of the peer share. */
  readonly #shown = new Map<number, Peer>()
  /** Refuses a key or a range that another peer has. */
  readonly #table = new PeerTable()

  /** `peers` are those that the addon was started with. */
  constructor(native: NativeServer, peers: PeerOptions[]) {
    this.#native = native
    this.#table.addAll(peers)
    const byKey = new Map(callNative(() => native.peers()).map((one) => [one.publicKey.toString('base64'), one]))
    for (const peer of peers) {
      const status = byKey.get(peer.publicKey)
      if (status) this.#options.set(status.peer, { ...peer, allowedIps: status.allowedIps })
    }
  }

  /** Throws ERR_KEY, ERR_ARGUMENT, ERR_PEER_DUPLICATE, ERR_PEER_ADDRESSES. */
  add(peer: PeerOptions): void {
    const checked: NativePeer = this.#table.add(peer)
    const number = callNative(() => this.#native.addPeer(checked), 'addPeer')
    this.#options.set(number, { ...peer, allowedIps: checked.allowedIps })
  }

  /** False when there is no such peer. */
  remove(publicKey: string): boolean {
    for (const [number, peer] of this.#options) {
      if (peer.publicKey !== publicKey) continue
      this.#options.delete(number)
      this.#shown.delete(number)
      this.#table.remove({ publicKey, allowedIps: peer.allowedIps ?? [] })
      return callNative(() => this.#native.removePeer(Buffer.from(publicKey, 'base64')))
    }
    return false
  }

  /** All peers, in the order in which they were added. */
  statuses(): PeerStatus[] {
    return callNative(() => this.#native.peers()).map((status) => ({
      publicKey: status.publicKey.toString('base64'),
      name: this.#options.get(status.peer)?.name,
      endpoint: status.endpoint,
      handshakeAge: status.lastHandshakeSeconds,
      receivedBytes: status.receivedBytes,
      sentBytes: status.sentBytes,
      dropped: status.dropped,
      allowedIps: status.allowedIps,
    }))
  }

  /** The program's options for the peer with this key. */
  byKey(publicKey: string): PeerOptions | undefined {
    return [...this.#options.values()].find((one) => one.publicKey === publicKey)
  }

  /** The peer that the header of a record names. */
  ofHeader(header: Buffer): Peer {
    const number = peerOf(header)
    const known = this.#shown.get(number)
    if (known) return known
    const { publicKey = '', name } = this.#options.get(number) ?? {}
    const shown = { publicKey, name }
    this.#shown.set(number, shown)
    return shown
  }
}
