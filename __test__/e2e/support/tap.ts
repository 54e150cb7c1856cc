// Both directions of a TUN device, packet by packet: what a test puts in, and every TCP segment that comes out.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './netns.js'
import { start, stop } from './processes.js'
import { within } from './wait.js'

// Python has no place in build/: it runs where it lies.
const script = fileURLToPath(new URL('../../../../__test__/e2e/programs/tap.py', import.meta.url))

/** A segment that came out of the device. */
export interface Heard {
  /** The whole packet. */
  packet: Buffer
  /** Of the segment, at the sender and at the receiver. */
  from: number
  to: number
  flags: number
  sequence: number
  acknowledgement: number
  window: number
  options: Buffer
  data: Buffer
}

function parse(packet: Buffer): Heard | undefined {
  const six = packet.readUInt8(0) >> 4 === 6
  const head = six ? 40 : (packet.readUInt8(0) & 15) * 4
  if (packet.readUInt8(six ? 6 : 9) !== 6) return undefined
  const segment = packet.subarray(head)
  const dataAt = (segment.readUInt8(12) >> 4) * 4
  return {
    packet,
    from: segment.readUInt16BE(0),
    to: segment.readUInt16BE(2),
    flags: segment.readUInt8(13),
    sequence: segment.readUInt32BE(4),
    acknowledgement: segment.readUInt32BE(8),
    window: segment.readUInt16BE(14),
    options: segment.subarray(20, dataAt),
    data: segment.subarray(dataAt),
  }
}

export class Tap {
  readonly #child: ChildProcess
  /** 'port N': a segment to that port. */
  readonly #news = new EventEmitter()
  #rest = Buffer.alloc(0)

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (chunk: Buffer) => this.#handle(chunk))
  }

  static async start(namespace: Namespace, device: string): Promise<Tap> {
    const child = start('ip', namespace.command('python3', script, device), { stdio: ['pipe', 'pipe', 'inherit'] })
    const tap = new Tap(child)
    await within(10_000, 'the tap to be ready', once(tap.#news, 'ready'))
    return tap
  }

  put(packet: Buffer): void {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(packet.length)
    this.#child.stdin?.write(Buffer.concat([length, packet]))
  }

  /** Calls back with each segment to this port of ours. */
  listen(port: number, handle: (segment: Heard) => void): void {
    this.#news.on(`port ${port}`, handle)
  }

  async stop(): Promise<void> {
    await stop(this.#child)
  }

  #handle(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 2) {
      const end = 2 + this.#rest.readUInt16BE(0)
      if (this.#rest.length < end) return
      const packet = this.#rest.subarray(2, end)
      this.#rest = this.#rest.subarray(end)
      if (packet.length === 0) this.#news.emit('ready')
      const segment = packet.length > 0 ? parse(packet) : undefined
      if (segment) this.#news.emit(`port ${segment.to}`, segment)
    }
  }
}
