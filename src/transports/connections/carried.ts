// TLS of the addon over a transport that is Node's: a stream out of the tunnel, TLS in TLS, a transport with a tap.
import type { Bridge } from '../bridge.js'
import { MAX_CHUNK } from '../records.js'
import { type Impairment, noReceiver, type Transport } from '../transport.js'
import { FALLS } from './records.js'
import { ConnectionTransport } from './transport.js'

export class CarriedTransport extends ConnectionTransport {
  readonly #below: Transport
  #isBelowFull = false
  /** A write was answered with false, and the receiver has not heard of room since. */
  #owesDrain = false

  constructor(bridge: Bridge, id: number, below: Transport) {
    super(bridge, id, below.local, below.remote)
    this.#below = below
    below.receiver = {
      handleData: (data) => this.#decrypt(data),
      handleEnd: () => {
        if (!this.isClosed) bridge.command(FALLS.cipherEnd, id)
      },
      handleDrain: () => {
        this.#isBelowFull = false
        if (!this.isFull) this.drained()
      },
      handleClose: (error) => {
        if (this.isClosed) return
        bridge.command(FALLS.reset, id)
        this.handleClosed(error)
      },
    }
  }

  #decrypt(data: Buffer): void {
    if (this.isClosed) return
    for (let at = 0; at < data.length; at += MAX_CHUNK) {
      this.bridge.bytes(FALLS.cipher, this.id, data.subarray(at, at + MAX_CHUNK))
    }
  }

  override write(data: Uint8Array): boolean {
    const hasRoom = super.write(data) && !this.#isBelowFull
    this.#owesDrain ||= !hasRoom
    return hasRoom
  }

  protected override drained(): void {
    if (!this.#owesDrain || this.#isBelowFull) return
    this.#owesDrain = false
    super.drained()
  }

  protected override read(isRead: boolean): void {
    super.read(isRead)
    if (isRead) this.#below.resume()
    else this.#below.pause()
  }

  /** Its bytes go through Node in any case. */
  protected override get hasSocket(): boolean {
    return false
  }

  override reset(): void {
    super.reset()
    this.#below.receiver = noReceiver
    this.#below.reset()
  }

  override secure(...how: Parameters<ConnectionTransport['secure']>): ReturnType<ConnectionTransport['secure']> {
    const secured = super.secure(...how)
    this.#below.resume()
    return secured
  }

  override handleSecured(payload: Buffer): void {
    // Nobody reads plaintext yet.
    this.#below.pause()
    super.handleSecured(payload)
  }

  /** @internal Ciphertext for the peer. */
  handleCipher(data: Buffer): void {
    if (!this.#below.write(data)) this.#isBelowFull = true
  }

  /** @internal All ciphertext was handed over. */
  handleCipherEnd(): void {
    this.#below.end()
  }

  override handleClosed(error?: NodeJS.ErrnoException): void {
    this.#below.close()
    super.handleClosed(error)
  }

  impair(impairment: Impairment | undefined): boolean {
    return this.#below.impair?.(impairment) ?? false
  }
}
