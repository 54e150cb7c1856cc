// The one clock of a connection. When neither direction has made progress for the time limit, the connection is over.
import type { LayerOptions } from './layer.js'
import type { Timed, World } from './world.js'

/** Milliseconds without a datagram, in either direction, after which a UDP client is forgotten. */
const UDP_SILENCE = 60_000

/** Milliseconds after which a connection without progress is over. */
export const silenceOf = (transport: 'tcp' | 'udp', { tcp_timeout }: LayerOptions): number =>
  transport === 'udp' ? UDP_SILENCE : tcp_timeout * 1000

export class Watchdog implements Timed {
  readonly #world: World
  /** Milliseconds. */
  readonly limit: number
  #progressAt: number
  timer: unknown

  constructor(world: World, limit: number) {
    this.#world = world
    this.limit = limit
    this.#progressAt = world.now()
    this.#sleep(limit)
  }

  /** Called when either side has sent data, or has taken data. */
  progress(): void {
    this.#progressAt = this.#world.now()
  }

  /** Called when the timer has gone off. True when the connection is over. `rests`: the time until now does not count. */
  expired(rests: boolean): boolean {
    if (rests) this.progress()
    const left = this.#progressAt + this.limit - this.#world.now()
    if (left <= 0) return true
    this.#sleep(left)
    return false
  }

  cancel(): void {
    this.#world.perform({ type: 'cancel', of: this })
  }

  #sleep(milliseconds: number): void {
    this.#world.perform({ type: 'timer', of: this, milliseconds })
  }
}
