// A WireGuard tunnel of which midwire is the client: its TCP connections and its datagrams, and the names that are looked up through it.
import { randomInt } from 'node:crypto'
import { isIP, isIPv6 } from 'node:net'
import { hostPort } from '../../addresses.js'
import type { LogLevel } from '../../hooks.js'
import type { Datagram, IcmpMessage } from '../../transports/datagram.js'
import { OutgoingFlows } from '../../transports/outgoing-flows.js'
import { Pipe } from '../../transports/pipe.js'
import type { CongestionControl } from '../../transports/server-options.js'
import type { WireGuardStream } from '../../transports/stream.js'
import { noReceiver, type Transport } from '../../transports/transport.js'
import { startWireGuardServer, type WireGuardServer } from '../../transports/wireguard.js'
import type { Family } from '../eyeballs.js'
import { askStream, type Carrier } from '../name-server.js'
import type { Exit } from './exit.js'
import type { TunnelFile } from './tunnel-file.js'
import { TunnelNames } from './tunnel-names.js'
import { HANDSHAKE_MILLISECONDS, type TunnelPeer, TunnelPeers, tunnelFailure } from './tunnel-peers.js'

export interface TunnelOptions {
  /** The tunnel as a user writes it, for sentences. */
  readonly name: string
  readonly file: TunnelFile
  /** How the tunnel's own datagrams, and the names of its endpoints, go out. */
  readonly outside: Exit
  readonly congestion: CongestionControl
  /** The firewall mark of the tunnel's own datagrams; undefined for none. */
  readonly mark: number | undefined
  /** The bytes that a TCP window may grow to. */
  readonly bufferSize: number
  /** Called when the tunnel has failed. Its connections have ended then. */
  failed(tunnel: Tunnel, error: Error): void
  log(level: LogLevel, message: string): void
}

export class Tunnel {
  readonly #options: TunnelOptions
  readonly #server: WireGuardServer
  readonly #peers: TunnelPeers
  readonly #flows: OutgoingFlows
  /** Those of the file that the tunnel leads to. */
  readonly #nameServers: readonly string[]
  readonly #names: TunnelNames
  #ended = false

  /** Throws what startWireGuardServer throws. No packet leaves before it is needed, but for peers with a PersistentKeepalive. */
  static async start(options: TunnelOptions): Promise<Tunnel> {
    const { name, file, congestion, bufferSize, mark, log } = options
    const { conf } = file
    let tunnel: Tunnel | undefined
    const server = await startWireGuardServer({
      privateKey: conf.privateKey,
      port: conf.listenPort,
      // The addresses stay unknown to the addon, so that it raises the ICMP errors that come to them.
      addresses: [],
      allowHalfOpen: true,
      congestion,
      bufferSize,
      ...(conf.mtu !== undefined && { mtu: conf.mtu }),
      ...(mark !== undefined && { mark }),
      // midwire is no server in this tunnel.
      onRequest: (request) => request.refuse(),
      onDatagram: (datagram) => tunnel?.handleDatagram(datagram),
      onIcmp: (message) => tunnel?.handleIcmp(message),
      onError: (error) => tunnel?.handleFailure(error),
      onLog: ({ level, message }) => log(level === 'trace' ? 'debug' : level, `${name}: ${message}`),
    })
    try {
      tunnel = new Tunnel(options, server)
      return tunnel
    } catch (error) {
      await server.close()
      throw error
    }
  }

  private constructor(options: TunnelOptions, server: WireGuardServer) {
    const { name, file, outside } = options
    this.#options = options
    this.#server = server
    this.#peers = new TunnelPeers(name, file.conf, server, outside)
    this.#flows = new OutgoingFlows(server, (below) => randomInt(below))
    const { dns, search } = file.conf
    // Others are name servers outside of the tunnel, as those of a network at home.
    this.#nameServers = dns.filter((one) => this.#source(isIPv6(one) ? 6 : 4) !== undefined && this.#peers.leadsTo(one))
    this.#names = new TunnelNames(this.#nameServers, search, this.#carrier())
  }

  get file(): TunnelFile {
    return this.#options.file
  }

  /** The connections and flows that are open. */
  get connections(): number {
    return this.#server.connections + this.#flows.size
  }

  /** Whether names are looked up through the tunnel. */
  get hasNameServers(): boolean {
    return this.#nameServers.length > 0
  }

  /** The families in which the tunnel has an address of its own. */
  get families(): readonly Family[] {
    return ([4, 6] as const).filter((family) => this.#source(family) !== undefined)
  }

  /** The addresses of one family that a name has. Rejects with ENOTFOUND, EAI_AGAIN, or with a sentence where the tunnel is at fault. */
  async addressesOf(name: string, family: Family): Promise<string[]> {
    const peers = this.#nameServers.map((address) => this.#peers.of(address))
    for (const peer of new Set(peers)) await this.#peers.prepare(peer)
    try {
      return await this.#names.addressesOf(name, family)
    } catch (error) {
      const silent = (error as NodeJS.ErrnoException).code === 'EAI_AGAIN' ? peers[0] : undefined
      throw silent && !this.#peers.isLive(silent) ? this.#peers.silence(silent) : error
    }
  }

  /** Connects to an address. Rejects with Node's errors, ECANCELED where `signal` aborts, or with a sentence where the tunnel is at fault. */
  async connectTcp(address: string, port: number, signal: AbortSignal | undefined): Promise<Pipe> {
    const failure = (code: string) => Object.assign(new Error(`connect ${code} ${hostPort(address, port)}`), { code })
    const peer = this.#peers.of(address)
    await this.#peers.prepare(peer)
    if (signal?.aborted) throw failure('ECANCELED')
    const stream = this.#stream(address, port)
    return new Promise((resolve, reject) => {
      let silent: NodeJS.Timeout | undefined
      const cancel = () => stream.destroy(failure('ECANCELED'))
      const settled = () => {
        clearTimeout(silent)
        signal?.removeEventListener('abort', cancel)
        stream.off('close', closed).off('connect', connected)
      }
      const failed = (error: Error) => {
        settled()
        reject(error)
      }
      // A stream closes without an error where the tunnel was closed.
      const closed = () => failed(failure('ECONNABORTED'))
      const connected = () => {
        settled()
        stream.off('error', failed)
        resolve(new Pipe(stream, { local: stream.source, remote: stream.destination }))
      }
      stream.once('error', failed).once('close', closed).once('connect', connected)
      signal?.addEventListener('abort', cancel)
      silent = this.#whenSilent(peer, (error) => stream.destroy(error))
    })
  }

  /** A transport for datagrams to and from an address. It ends with a sentence where the tunnel is not there in time. Rejects with such a sentence. */
  async connectUdp(address: string, port: number): Promise<Transport> {
    const peer = this.#peers.of(address)
    await this.#peers.prepare(peer)
    const flow = this.#flows.open(this.#from(address), address, port, () => clearTimeout(silent))
    const silent = this.#whenSilent(peer, (error) => flow.handleOver(error))
    return flow
  }

  async close(): Promise<void> {
    this.#ended = true
    this.#names.close()
    // The close() of a server that has failed rejects, because the server is closed already.
    await this.#server.close().catch(() => {})
    this.#flows.handleGone()
  }

  /** Called with each datagram out of the tunnel. */
  handleDatagram(datagram: Datagram): void {
    if (!this.#flows.handleDatagram(datagram)) datagram.refuse()
  }

  /** Echo requests to the tunnel's own addresses are answered (RFC 1122, 3.2.2.6; RFC 4443, 4.2). */
  handleIcmp(message: IcmpMessage): void {
    const { destination, data, type, code } = message
    if (!this.file.conf.addresses.includes(destination.address)) return
    const reply = type === 8 ? 0 : type === 128 ? 129 : undefined
    if (reply === undefined) this.#flows.handleIcmp(data, destination.family)
    else if (code === 0) message.reply(Buffer.concat([Buffer.of(reply), data.subarray(1)]))
  }

  /** Called when the addon has failed. */
  handleFailure(error: Error): void {
    this.#ended = true
    this.#flows.handleGone(error)
    this.#options.failed(this, error)
  }

  #source(family: Family): string | undefined {
    return this.file.conf.addresses.find((address) => isIP(address) === family)
  }

  /** The tunnel's own address that connections to an address come from. */
  #from(address: string): string {
    const family = isIPv6(address) ? 6 : 4
    const source = this.#source(family)
    if (source !== undefined) return source
    throw tunnelFailure(`the tunnel ${this.#options.name} does not lead there: its file has no IPv${family} Address`)
  }

  #stream(address: string, port: number): WireGuardStream {
    return this.#server.connect({ host: address, port, source: this.#from(address) })
  }

  /** Calls `fail` with a sentence if the peer has made no handshake in time. */
  #whenSilent(peer: TunnelPeer, fail: (error: Error) => void): NodeJS.Timeout | undefined {
    if (this.#peers.isLive(peer)) return undefined
    const look = () => {
      if (this.#ended) return
      try {
        if (!this.#peers.isLive(peer)) fail(this.#peers.silence(peer))
      } catch (error) {
        // The tunnel is about to fail.
        fail(error as Error)
      }
    }
    return setTimeout(look, HANDSHAKE_MILLISECONDS).unref()
  }

  /** Carries queries to name servers through the tunnel. */
  #carrier(): Carrier {
    const later = (done: (error: Error) => void, error: unknown) => {
      queueMicrotask(() => done(error as Error))
      return () => {}
    }
    return {
      udp: ({ address, port }, query, accept, done) => {
        try {
          const flow = this.#flows.open(this.#from(address), address, port)
          flow.receiver = {
            ...noReceiver,
            handleData(answer) {
              const message = accept(answer)
              if (message) done(message)
            },
            handleClose: (error) => done(error ?? new Error('the tunnel has ended')),
          }
          flow.write(query)
          return () => flow.close()
        } catch (error) {
          return later(done, error)
        }
      },
      tcp: ({ address, port }, query, accept, done) => {
        try {
          const stream = this.#stream(address, port)
          stream.once('end', () => stream.destroy())
          return askStream(stream, query, accept, done)
        } catch (error) {
          return later(done, error)
        }
      },
    }
  }
}
