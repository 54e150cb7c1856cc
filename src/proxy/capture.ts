// Writes what clients and servers exchange with midwire to a PCAPNG file, with the secrets of TLS: Wireshark shows it decrypted.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Address, ClientConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { interfaceBlock, packetBlock, secretsBlock, sectionBlock } from '../formats/pcapng/blocks.js'
import { Conversation } from '../formats/pcapng/conversation.js'
import { endsOf, turnedEnds, udpPacket } from '../formats/pcapng/packets.js'
import type { Destination } from '../layers/route.js'
import { type Tap, tapped } from '../transports/tap.js'
import type { Transport } from '../transports/transport.js'

/** Bytes that wait to be written: more come only where the disk is slower than the traffic. Further packets are dropped, and counted. */
const MAX_WAITING = 32 * 1024 * 1024

/** Bytes of secrets that wait beside them. They are kept longer than packets, which are of no use without them. */
const MAX_SECRETS = 1024 * 1024

/** From so many bytes on they are written at once. */
const PIECE = 1024 * 1024

/**
 * Milliseconds that packets wait for others, and for secrets: readers need these first, and TLS tells them only once it has read the
 * packet that completes its keys.
 */
const DELAY_MILLISECONDS = 100

/** The numbers of the interfaces. */
const CLIENTS = 0
const SERVERS = 1

/** The blocks with which a section begins. */
const HEAD = [
  sectionBlock('midwire'),
  interfaceBlock('clients', 'clients and midwire'),
  interfaceBlock('servers', 'midwire and servers'),
]

type OpenFile = Pick<FileHandle, 'appendFile' | 'close'>

export class Capture {
  readonly #path: string
  #file: OpenFile | undefined
  readonly #warn: (message: string) => void
  #packets: Buffer[] = []
  #secrets: Buffer[] = []
  #packetBytes = 0
  #secretBytes = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  /** The capture is closed, or its file cannot be written: nothing more is kept. */
  #over = false
  #dropped = 0

  /** `warn` is called once where the file cannot be written any more, and once for packets that were dropped. */
  constructor(path: string, warn: (message: string) => void) {
    this.#path = path
    this.#warn = warn
  }

  /**
   * Opens the file, from which on it is written. It is begun anew, or with `+PATH` gets another section. Only the user can read it, since
   * it has the secrets of TLS. Rejects with ERR_OPTION where it cannot be opened or written.
   */
  async begin(openFile: (path: string, flags: string, mode: number) => Promise<OpenFile> = open): Promise<void> {
    const appends = this.#path.startsWith('+')
    try {
      this.#file = await openFile(appends ? this.#path.slice(1) : this.#path, appends ? 'a' : 'w', 0o600)
      await this.#file.appendFile(Buffer.concat(HEAD))
    } catch (error) {
      throw new MidwireError('ERR_OPTION', `pcap_file: ${(error as Error).message}`, { cause: error })
    }
    this.#schedule()
  }

  /** The packets that were not written. */
  get dropped(): number {
    return this.#dropped
  }

  /** The transport of a client, from now on with its packets in the capture. `transport` has no receiver yet. */
  client(transport: Transport, { transport: kind, remote: source, local: destination }: ClientConnection): Transport {
    return tapped(transport, this.#tap(kind, CLIENTS, source, destination))
  }

  /** The same for a server, or a proxy on the way to it. */
  server(transport: Transport, kind: Destination['transport']): Transport {
    return tapped(transport, this.#tap(kind, SERVERS, transport.local, transport.remote))
  }

  /** Adds a line of a key log, with its newline. */
  add(line: Buffer): void {
    if (this.#over) return
    if (this.#secretBytes + line.length > MAX_SECRETS) {
      this.#drop(1)
      return
    }
    this.#secrets.push(line)
    this.#secretBytes += line.length
    this.#schedule()
  }

  /** Writes what is left, and closes the file. Never rejects. */
  async close(): Promise<void> {
    this.#over = true
    clearTimeout(this.#timer)
    await this.#writing
    await this.#write()
    await this.#file?.close().catch(() => {})
  }

  /** `opener` has opened the connection, or sent the first datagram. */
  #tap(kind: Destination['transport'], number: number, opener: Address | undefined, other: Address | undefined): Tap {
    const keep: Keep = (packets) => {
      if (this.#over) return
      // performance.now() is finer than Date.now(), and never goes back.
      const time = Math.round((performance.timeOrigin + performance.now()) * 1000)
      this.#keep(packets.map((packet) => packetBlock(number, time, packet)))
    }
    const isOpener = (byPeer: boolean) => byPeer === (number === CLIENTS)
    return kind === 'tcp' ? streamTap(opener, other, isOpener, keep) : datagramTap(opener, other, isOpener, keep)
  }

  #keep(blocks: readonly Buffer[]): void {
    let dropped = 0
    for (const block of blocks) {
      if (this.#packetBytes + block.length > MAX_WAITING) dropped += 1
      else {
        this.#packets.push(block)
        this.#packetBytes += block.length
      }
    }
    if (dropped > 0) this.#drop(dropped)
    this.#schedule()
  }

  #drop(count: number): void {
    if (this.#dropped === 0)
      this.#warn(`${this.#path}: packets come faster than they are written, and some are left out`)
    this.#dropped += count
  }

  #schedule(): void {
    if (this.#writing || this.#over || !this.#file) return
    if (this.#packetBytes >= PIECE) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#begin()
    } else this.#timer ??= setTimeout(() => this.#begin(), DELAY_MILLISECONDS).unref()
  }

  #begin(): void {
    this.#timer = undefined
    this.#writing ??= this.#write().then(() => {
      this.#writing = undefined
      if (this.#packets.length > 0 || this.#secrets.length > 0) this.#schedule()
    })
  }

  /** Writes what waits now: secrets first. */
  async #write(): Promise<void> {
    // What has come in this turn of the event loop is read by TLS before the next.
    await new Promise(setImmediate)
    const blocks =
      this.#secrets.length > 0 ? [secretsBlock(Buffer.concat(this.#secrets)), ...this.#packets] : this.#packets
    const bytes = this.#packetBytes
    this.#secrets = []
    this.#secretBytes = 0
    this.#packets = []
    try {
      if (blocks.length > 0) await this.#file?.appendFile(Buffer.concat(blocks))
      this.#packetBytes -= bytes
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#over = true
    this.#packets = []
    this.#secrets = []
    this.#warn(`packets are no longer written to ${this.#path} (pcap_file): ${(error as Error).message}`)
  }
}

type Keep = (packets: readonly Buffer[]) => void

/** Makes packets of a stream. `isOpener`: whether a side, the peer's or ours, has opened the connection. */
function streamTap(
  opener: Address | undefined,
  other: Address | undefined,
  isOpener: (byPeer: boolean) => boolean,
  keep: Keep,
): Tap {
  const numbers = randomBytes(8)
  const conversation = new Conversation(opener, other, [numbers.readUInt32LE(0), numbers.readUInt32LE(4)])
  keep(conversation.open())
  return {
    received: (data) => keep(conversation.data(isOpener(true), data)),
    sent: (data) => keep(conversation.data(isOpener(false), data)),
    ended: (byPeer) => keep(conversation.end(isOpener(byPeer))),
    reset: (byPeer) => keep(conversation.reset(isOpener(byPeer))),
  }
}

function datagramTap(
  opener: Address | undefined,
  other: Address | undefined,
  isOpener: (byPeer: boolean) => boolean,
  keep: Keep,
): Tap {
  const there = endsOf(opener, other)
  const back = turnedEnds(there)
  return {
    received: (data) => keep([udpPacket(isOpener(true) ? there : back, data)]),
    sent: (data) => keep([udpPacket(isOpener(false) ? there : back, data)]),
    ended() {},
    reset() {},
  }
}
