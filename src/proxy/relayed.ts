// Datagrams with a server by the relay of a SOCKS5 proxy (RFC 1928, 7), as a transport that ends with the connection to the proxy.
import { ipBytes, plainAddress } from '../addresses.js'
import type { Address } from '../connection.js'
import { isUnspecified, type SocksPlace } from '../layers/socks/address.js'
import { parseSocksDatagram } from '../layers/socks/datagram.js'
import { noReceiver, type Receiver, type Transport } from '../transports/transport.js'

export class Relayed implements Transport {
  receiver: Receiver = noReceiver
  readonly #control: Transport
  readonly #datagrams: Transport
  readonly #to: SocksPlace
  readonly #header: Buffer
  /** Datagrams that were dropped here, and those that the socket has dropped. */
  #dropped = 0
  #droppedBelow = 0
  #closed = false

  /**
   * `control`: the connection to the proxy; `datagrams`: a transport to its relay. Both end with this transport, and this one with either.
   * `header`: that of datagrams to the server, which is at `to`.
   */
  constructor(control: Transport, datagrams: Transport, to: SocksPlace, header: Buffer) {
    this.#header = header
    this.#control = control
    this.#datagrams = datagrams
    this.#to = to
    const gone = (error?: Error) =>
      this.#lost(sentenced(`it has ended the relaying${error ? `: ${error.message}` : ''}`))
    control.receiver = { ...noReceiver, handleEnd: () => gone(), handleClose: gone }
    datagrams.receiver = {
      ...noReceiver,
      handleData: (bytes) => this.#received(bytes),
      handleDropped: (total) => {
        this.#droppedBelow = total
        this.#tell()
      },
      handleClose: (error) => this.#lost(error ?? sentenced('its relay is gone')),
    }
  }

  get local(): Address | undefined {
    return this.#datagrams.local
  }

  get remote(): Address | undefined {
    return this.#datagrams.remote
  }

  write(data: Uint8Array): boolean {
    return this.#datagrams.write(Buffer.concat([this.#header, data]))
  }

  end(): void {}

  close(): void {
    this.#closed = true
    this.#datagrams.close()
    this.#control.close()
  }

  reset(): void {
    this.close()
  }

  pause(): void {
    this.#datagrams.pause()
  }

  resume(): void {
    this.#datagrams.resume()
  }

  #received(bytes: Buffer): void {
    if (this.#closed) return
    const datagram = parseSocksDatagram(bytes)
    if (typeof datagram !== 'string' && this.#isServer(datagram.place)) this.receiver.handleData(datagram.data)
    else {
      this.#dropped += 1
      this.#tell()
    }
  }

  /**
   * Whether a datagram has come from the server. A relay takes datagrams from everybody; those of others are none of the flow's. The address of a
   * server with a name is the proxy's knowledge, and some proxies write zeros.
   */
  #isServer({ host, port }: SocksPlace): boolean {
    if (port !== this.#to.port && port !== 0) return false
    const isKnown = ipBytes(this.#to.host) !== undefined && ipBytes(host) !== undefined && !isUnspecified(host)
    return !isKnown || host === plainAddress(this.#to.host)
  }

  #tell(): void {
    this.receiver.handleDropped?.(this.#dropped + this.#droppedBelow)
  }

  #lost(error: NodeJS.ErrnoException): void {
    if (this.#closed) return
    this.close()
    this.receiver.handleClose(error)
  }
}

const sentenced = (message: string) => Object.assign(new Error(message), { code: 'ECONNRESET' })
