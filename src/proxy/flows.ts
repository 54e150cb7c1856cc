// Flows as an async iterator: those that end, for whoever asks, with a bound on what waits.
import type { AnyFlow } from '../flow/index.js'

/** Flows that wait for a slow reader; beyond it the oldest is forgotten, and counted. */
const MAX_WAITING = 10_000

export class FlowReader implements AsyncIterableIterator<AnyFlow> {
  readonly #accepts: (flow: AnyFlow) => boolean
  readonly #left: (reader: FlowReader) => void
  readonly #failed: (error: unknown) => void
  readonly #waiting: AnyFlow[] = []
  #asked: ((result: IteratorResult<AnyFlow>) => void)[] = []
  #ended = false
  #hasFailed = false
  /** Flows that were forgotten, because nobody read them. */
  dropped = 0

  /** `failed` is told once where `accepts` throws, which is as good as no. */
  constructor(
    accepts: (flow: AnyFlow) => boolean,
    left: (reader: FlowReader) => void,
    failed: (error: unknown) => void,
  ) {
    this.#accepts = accepts
    this.#left = left
    this.#failed = failed
  }

  /** A flow has ended. */
  offer(flow: AnyFlow): void {
    if (!this.#isWanted(flow)) return
    const asked = this.#asked.shift()
    if (asked) {
      asked({ done: false, value: flow })
      return
    }
    this.#waiting.push(flow)
    if (this.#waiting.length <= MAX_WAITING) return
    this.#waiting.shift()
    this.dropped += 1
  }

  #isWanted(flow: AnyFlow): boolean {
    try {
      return this.#accepts(flow)
    } catch (error) {
      if (!this.#hasFailed) this.#failed(error)
      this.#hasFailed = true
      return false
    }
  }

  /** There will be no more; what waits can still be read. */
  end(): void {
    this.#ended = true
    for (const asked of this.#asked) asked({ done: true, value: undefined })
    this.#asked = []
  }

  next(): Promise<IteratorResult<AnyFlow>> {
    const flow = this.#waiting.shift()
    if (flow) return Promise.resolve({ done: false, value: flow })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#asked.push(resolve))
  }

  return(): Promise<IteratorResult<AnyFlow>> {
    this.#waiting.length = 0
    this.end()
    this.#left(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
