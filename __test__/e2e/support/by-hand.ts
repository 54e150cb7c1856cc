// A TCP client that is the test itself: it sends what it is told to, and the kernel knows nothing of its address.
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type End, flag, ip, type SegmentExtras, segment } from './packets.js'
import type { Heard, Tap } from './tap.js'
import { within } from './wait.js'

/** Nobody's addresses: the kernel answers nothing that comes for them. */
const addresses = { v4: '203.0.113.7', v6: '2001:db8:2::7' } as const
let lastPort = 20_000

/** Sequence numbers count around 2^32. */
export const plus = (sequence: number, bytes: number) => (sequence + bytes) >>> 0
/** Bytes from `a` to `b`; negative when `b` is before it. */
export const distance = (a: number, b: number) => (b - a) | 0

export interface Said extends SegmentExtras {
  flags?: number
  sequence?: number
  data?: Buffer
}

export class ByHand {
  readonly #tap: Tap
  readonly #news = new EventEmitter()
  readonly source: End
  readonly destination: End
  /** What came and was not looked at yet. */
  #heard: Heard[] = []
  /** SND.NXT and RCV.NXT. */
  next = 0
  expected = 0
  /** What we say that we have room for. */
  window = 65_535
  /** Puts a segment into a packet; IPv4's or IPv6's plain header unless it is replaced. */
  wrap = (bytes: Buffer): Buffer => ip(this.source.address, this.destination.address, 6, bytes)

  constructor(tap: Tap, address: string, port: number, own = ++lastPort) {
    this.#tap = tap
    this.source = { address: addresses[address.includes(':') ? 'v6' : 'v4'], port: own }
    this.destination = { address, port }
    tap.listen(own, (one) => {
      if (one.from !== port) return
      this.#heard.push(one)
      this.#news.emit('segment')
    })
  }

  /** Sends a segment, an ACK from SND.NXT unless told otherwise. SND.NXT moves with what is sent in order. */
  say({ flags = flag.ack, sequence = this.next, data = Buffer.alloc(0), ...extras }: Said = {}): void {
    const acknowledgement = flags & flag.ack ? this.expected : 0
    const bytes = segment(this.source, this.destination, flags, sequence, data, {
      acknowledgement,
      window: this.window,
      ...extras,
    })
    this.#tap.put(this.wrap(bytes))
    const length = data.length + (flags & flag.syn ? 1 : 0) + (flags & flag.fin ? 1 : 0)
    if (sequence === this.next) this.next = plus(this.next, length)
  }

  /** Puts in a packet of somebody else's. */
  tell(packet: Buffer): void {
    this.#tap.put(packet)
  }

  /** A new connection from the same port; what came for the last one is forgotten. `said`: more in the SYN. */
  async connect(said: Said = {}, limit = 1000): Promise<Heard> {
    this.#heard = []
    this.next = said.sequence ?? Math.floor(Math.random() * 2 ** 32)
    const first = plus(this.next, 1)
    this.say({ flags: flag.syn, ...said })
    const answer = await this.hear('SYN-ACK', ({ flags }) => (flags & flag.syn) !== 0, limit)
    // Data of the SYN may have been taken or not.
    this.next = answer.acknowledgement
    if (distance(first, this.next) < 0) throw new Error('the SYN-ACK acknowledges something else')
    this.expected = plus(answer.sequence, 1)
    this.say()
    return answer
  }

  /** The first segment from now on that matches. Those before it are dropped. */
  async hear(what: string, matches: (one: Heard) => boolean, limit = 1000): Promise<Heard> {
    const end = performance.now() + limit
    for (;;) {
      const at = this.#heard.findIndex(matches)
      const [found] = at < 0 ? [] : this.#heard.splice(0, at + 1).slice(-1)
      if (found) return found
      try {
        await within(end - performance.now(), what, once(this.#news, 'segment'))
      } catch {
        const others = this.#heard.map((one) => this.describe(one)).join('; ')
        throw new Error(`no ${what} in ${limit} ms, only: ${others || 'nothing'}`)
      }
    }
  }

  /** What came until so many milliseconds have passed: for what must not come, there is nothing else to wait for. */
  async collect(ms: number): Promise<Heard[]> {
    await sleep(ms)
    return this.#heard.splice(0)
  }

  /** Takes so many bytes in order, and acknowledges each segment of them. */
  async take(bytes: number, limit = 2000): Promise<Heard[]> {
    const taken: Heard[] = []
    for (let left = bytes; left > 0; ) {
      const one = await this.hear('data', ({ sequence, data }) => sequence === this.expected && data.length > 0, limit)
      taken.push(one)
      left -= one.data.length
      this.expected = plus(this.expected, one.data.length)
      this.say()
    }
    return taken
  }

  async read(bytes: number, limit?: number): Promise<string> {
    return Buffer.concat((await this.take(bytes, limit)).map(({ data }) => data)).toString()
  }

  /** The numbers that a reader can compare: from the first byte that this end expects, and the next one that it sends. */
  describe({ flags, sequence, acknowledgement, window, data }: Heard): string {
    const names = Object.entries(flag).flatMap(([name, bit]) => (flags & bit ? [name] : []))
    const at = distance(this.expected, sequence)
    return `${names.join('+')} at ${at}, ack ${distance(this.next, acknowledgement)}, ${data.length} bytes, window ${window}`
  }
}
