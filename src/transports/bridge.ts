// Exchanges records with the addon: one call takes many commands down and brings many events up, each in a slab of memory.
import { MidwireError } from '../errors.js'
import { ADDRESS_HEADER, EVENT, HEADER, isIpv6, padded } from './records.js'

/** The part of the addon that the bridge needs. */
export interface Exchange {
  exchange(commands: Uint8Array, length: number, slab: Uint8Array): number
}

/** Takes the addon's events. */
export interface BridgeEvents {
  /**
   * An event whose payload is the `length` bytes of `slab` from `start` on, which are valid only during the call; `words` is the same slab in words
   * of four bytes.
   */
  record(kind: number, id: number, slab: Buffer, words: Uint32Array, start: number, length: number): void
  died(reason: string): void
  stopped(): void
}

/** The slab for commands: room for many small writes, or a few of the largest records. */
const COMMAND_BYTES = 512 * 1024
/** The slab for events: at least one record of the largest kind (64 KiB and its headers). */
const EVENT_BYTES = 256 * 1024
const NO_SLAB = new Uint8Array(0)
/** The most bytes of events in one turn of Node's event loop, so that timers and other sockets have their turns, too. */
const TURN_BYTES = 1 << 20
/**
 * The least that a call, and an event in it, count towards TURN_BYTES, because they are work even where they are short. In a turn of 16 calls or some 128
 * events the requests of busy connections take some milliseconds. Flows that are over wait for its end to be recorded, and a turn that takes longer brings
 * more of them, so many at last that the collector does nothing but copy them.
 */
const CALL_BYTES = 64 * 1024
const RECORD_BYTES = 8 * 1024
/** The most bytes of data in an IP packet of 65,535 bytes, without the headers of IP and UDP. */
const MOST_DATA = { ipv4: 65_507, ipv6: 65_487 }

export class Bridge {
  readonly #native: Exchange
  readonly #events: BridgeEvents
  readonly #commands = Buffer.alloc(COMMAND_BYTES)
  readonly #commandWords = new Uint32Array(this.#commands.buffer, this.#commands.byteOffset, COMMAND_BYTES / 4)
  #used = 0
  readonly #slab = Buffer.alloc(EVENT_BYTES)
  readonly #slabWords = new Uint32Array(this.#slab.buffer, this.#slab.byteOffset, EVENT_BYTES / 4)
  #draining = false
  /** Bytes of TURN_BYTES that are left in this turn. */
  #turn = TURN_BYTES
  #postponed = false
  #scheduled = false
  #stopped = false

  constructor(native: Exchange, events: BridgeEvents) {
    this.#native = native
    this.#events = events
  }

  /** A command without payload. */
  command(kind: number, id: number): void {
    this.#begin(kind, id, 0)
  }

  /** A command with one number. */
  number(kind: number, id: number, value: number): void {
    const at = this.#begin(kind, id, 4)
    this.#commandWords[at >>> 2] = value
  }

  /** A command whose payload is `bytes`, at most MAX_CHUNK. */
  bytes(kind: number, id: number, bytes: Uint8Array): void {
    this.#commands.set(bytes, this.#begin(kind, id, bytes.length))
  }

  /** A command that sends a datagram or an ICMP message. Throws ERR_ARGUMENT where `data` is no Uint8Array, or too long. */
  message(kind: number, header: Buffer, data: Uint8Array): void {
    const most = isIpv6(header) ? MOST_DATA.ipv6 : MOST_DATA.ipv4
    if (!(data instanceof Uint8Array) || data.length > most) {
      throw new MidwireError(
        'ERR_ARGUMENT',
        `the data of a datagram is a Buffer or Uint8Array of at most ${most} bytes`,
      )
    }
    const at = this.#begin(kind, 0, ADDRESS_HEADER + data.length)
    this.#commands.set(header, at)
    this.#commands.set(data, at + ADDRESS_HEADER)
  }

  /** Writes a record's head, and returns the place of its payload. */
  #begin(kind: number, id: number, length: number): number {
    const size = HEADER + padded(length)
    // This may be in the middle of a drain, so the call has no room for events.
    if (this.#used + size > COMMAND_BYTES) this.#exchange(NO_SLAB)
    const word = this.#used >>> 2
    const words = this.#commandWords
    words[word] = kind
    words[word + 1] = id
    words[word + 2] = length
    const at = this.#used + HEADER
    this.#used += size
    if (!this.#draining && !this.#scheduled) {
      // All commands of this turn of JavaScript go down in one call.
      this.#scheduled = true
      process.nextTick(this.#flush)
    }
    return at
  }

  #exchange(slab: Uint8Array): number {
    const used = this.#used
    this.#used = 0
    if (this.#stopped) return 0
    try {
      return this.#native.exchange(this.#commands, used, slab)
    } catch (error) {
      // The addon has panicked in this call, and has ended the server. The code that writes to a stream just now must not get the error.
      this.#stopped = true
      process.nextTick(() => {
        this.#events.died(error instanceof Error ? error.message : String(error))
        this.#events.stopped()
      })
      return 0
    }
  }

  /** Performs the commands that wait, before a call that is none of them. */
  perform(): void {
    if (this.#used > 0) this.#exchange(NO_SLAB)
  }

  /** Called by the addon when it has events (its doorbell): exchanges commands and events until there are none of either. */
  readonly ring = (): void => {
    this.#turn = TURN_BYTES
    this.drain()
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    this.drain()
  }

  readonly #goOn = (): void => {
    this.#postponed = false
    this.ring()
  }

  /** Exchanges commands and events until there are none of either, or this turn of the event loop has had enough of them. */
  drain(): void {
    // A handler of an event has called `drain`: the loop below goes on after that handler.
    if (this.#draining) return
    this.#draining = true
    try {
      while (this.#turn > 0) {
        const filled = this.#exchange(this.#slab)
        if (filled > 0) {
          const records = this.#dispatch(filled)
          this.#turn -= Math.max(filled, CALL_BYTES, records * RECORD_BYTES)
        } else if (this.#used === 0) return
      }
    } finally {
      this.#draining = false
    }
    // The rest of the events is fetched in the next turn. The addon does not ring for them before Node has fetched all.
    if (this.#used > 0) this.#exchange(NO_SLAB)
    if (this.#postponed) return
    this.#postponed = true
    setImmediate(this.#goOn)
  }

  /** Answers how many events there were. */
  #dispatch(filled: number): number {
    let at = 0
    let records = 0
    while (at < filled) {
      const word = at >>> 2
      const length = this.#slabWords[word + 2] ?? 0
      try {
        this.#rise(word, at + HEADER, length)
      } catch (error) {
        // A listener of the program has thrown. As with any socket that is an uncaught exception, and must not keep back other events.
        process.nextTick(() => {
          throw error
        })
      }
      at += HEADER + padded(length)
      records += 1
    }
    return records
  }

  #rise(word: number, start: number, length: number): void {
    const words = this.#slabWords
    const slab = this.#slab
    const kind = words[word] ?? 0
    switch (kind) {
      case EVENT.died:
        this.#events.died(slab.toString('utf8', start, start + length))
        break
      case EVENT.stopped:
        this.#stopped = true
        this.#events.stopped()
        break
      default:
        this.#events.record(kind, words[word + 1] ?? 0, slab, words, start, length)
    }
  }
}
