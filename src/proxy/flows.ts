// The readers of `proxy.flows()`: async iterators over flows that have ended, with a bound on the flows that wait for a slow reader, and over recorded ones.
import type { AnyFlow } from '../flow/index.js'

/** The flows that may wait for one reader, and the bytes of them all. Beyond either bound the oldest are dropped and counted. */
const MAX_WAITING = 10_000
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** The iterator that `proxy.flows()` returns. */
export interface Flows extends AsyncIterableIterator<AnyFlow> {
  /** The number of flows that were dropped because this reader was too slow. */
  readonly dropped: number
}

export class FlowReader implements Flows {
  readonly #accepts: (flow: AnyFlow) => boolean
  readonly #left: (reader: FlowReader) => void
  readonly #failed: (error: unknown) => void
  /** The flows that wait, each with its size when it ended. */
  readonly #waiting: { readonly flow: AnyFlow; readonly size: number }[] = []
  #bytes = 0
  #asked: ((result: IteratorResult<AnyFlow>) => void)[] = []
  #ended = false
  #hasFailed = false
  dropped = 0

  /** `left` is called when the reader stops, and `failed` with the first error of `accepts`, which leaves the flow out. */
  constructor(
    accepts: (flow: AnyFlow) => boolean,
    left: (reader: FlowReader) => void,
    failed: (error: unknown) => void,
  ) {
    this.#accepts = accepts
    this.#left = left
    this.#failed = failed
  }

  /** Gives the reader a flow that has ended. */
  offer(flow: AnyFlow): void {
    if (!this.#isWanted(flow)) return
    const asked = this.#asked.shift()
    if (asked) {
      asked({ done: false, value: flow })
      return
    }
    const { size } = flow
    this.#waiting.push({ flow, size })
    this.#bytes += size
    // The newest flow is kept, however large it is.
    while (this.#waiting.length > MAX_WAITING || (this.#bytes > MAX_WAITING_BYTES && this.#waiting.length > 1)) {
      this.#take()
      this.dropped += 1
    }
  }

  /** Takes out the flow that has waited longest. */
  #take(): AnyFlow | undefined {
    const first = this.#waiting.shift()
    this.#bytes -= first?.size ?? 0
    return first?.flow
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

  /** No more flows will be offered. Those that wait can still be read. */
  end(): void {
    this.#ended = true
    for (const asked of this.#asked) asked({ done: true, value: undefined })
    this.#asked = []
  }

  next(): Promise<IteratorResult<AnyFlow>> {
    const flow = this.#take()
    if (flow) return Promise.resolve({ done: false, value: flow })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#asked.push(resolve))
  }

  return(): Promise<IteratorResult<AnyFlow>> {
    this.#waiting.length = 0
    this.#bytes = 0
    this.end()
    this.#left(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** Recorded flows, and behind them those that come, where a reader has been given. */
export class RecordedFlows implements Flows {
  readonly #recorded: AsyncGenerator<AnyFlow, undefined>
  readonly #coming: FlowReader | undefined

  constructor(recorded: AsyncGenerator<AnyFlow, undefined>, coming: FlowReader | undefined) {
    this.#recorded = recorded
    this.#coming = coming
  }

  get dropped(): number {
    return this.#coming?.dropped ?? 0
  }

  async next(): Promise<IteratorResult<AnyFlow>> {
    const result = await this.#recorded.next()
    return result.done && this.#coming ? this.#coming.next() : result
  }

  async return(): Promise<IteratorResult<AnyFlow>> {
    await this.#coming?.return()
    return this.#recorded.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
