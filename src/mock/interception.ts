// `proxy.intercept()`: an async iterator over flows that wait, at their request and at their response, until the program lets them go on.
import { MidwireError } from '../errors.js'
import type { HttpFlow } from '../flow/http.js'
import type { Addon } from '../hooks.js'
import type { Matcher } from './match.js'

/** The flows that may wait for one iterator. Beyond that flows go on without waiting, and are counted. */
const MAX_WAITING = 1_000

export interface InterceptOptions {
  /** Where flows wait. Default: at both, so that the iterator gives a flow twice. */
  readonly at?: 'request' | 'response'
}

/**
 * The flows that wait. One whose `response` is undefined waits at its request, with its whole body: change it, answer it by
 * `flow.response`, then `flow.resume()` or `flow.kill()`. One with a `response` waits before that goes to the client.
 */
export interface Interception extends AsyncIterableIterator<HttpFlow>, AsyncDisposable {
  /** The number of flows that were let pass because 1,000 were waiting already. */
  readonly passed: number
  /** The next flow that waits. Rejects with ERR_CLOSED where the iterator has ended. */
  take(): Promise<HttpFlow>
  next(): Promise<IteratorResult<HttpFlow, undefined>>
  /** Lets all that wait go on, and no other flow wait. A `break` out of `for await` calls it, and so does `await using`. */
  return(): Promise<IteratorResult<HttpFlow, undefined>>
}

export class InterceptionReader implements Interception {
  readonly addon: Addon
  readonly #matcher: Matcher
  readonly #left: (reader: InterceptionReader) => void
  /** The flows that nobody has asked for yet. */
  readonly #queue: HttpFlow[] = []
  /** All flows that were made to wait and have not ended. */
  readonly #held = new Set<HttpFlow>()
  #asked: ((result: IteratorResult<HttpFlow, undefined>) => void)[] = []
  #ended = false
  passed = 0

  /** `left` is called when the iterator ends. */
  constructor(matcher: Matcher, { at }: InterceptOptions, left: (reader: InterceptionReader) => void) {
    this.#matcher = matcher
    this.#left = left
    const over = (flow: HttpFlow) => void this.#held.delete(flow)
    this.addon = {
      name: 'intercept()',
      requestheaders: (flow) => {
        // A request that passes before its hook could not be changed there.
        if (at !== 'response' && this.#mayMatch(flow)) flow.request.stream ??= false
      },
      request: (flow) => {
        // One that another addon has answered has its turn as a response.
        if (at !== 'response' && !flow.response) this.#hold(flow)
      },
      responseheaders: (flow) => {
        if (at !== 'request' && flow.response && this.#mayMatch(flow)) flow.response.stream ??= false
      },
      response: (flow) => {
        if (at !== 'request') this.#hold(flow)
      },
      error: over,
    }
  }

  get seeksProcesses(): boolean {
    return this.#matcher.seeksProcesses
  }

  next(): Promise<IteratorResult<HttpFlow, undefined>> {
    for (let flow = this.#queue.shift(); flow; flow = this.#queue.shift()) {
      // The client of another may have gone meanwhile.
      if (flow.intercepted && flow.live) return Promise.resolve({ done: false, value: flow })
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#asked.push(resolve))
  }

  async take(): Promise<HttpFlow> {
    const { value } = await this.next()
    if (!value) throw new MidwireError('ERR_CLOSED', `the interception of ${this.#matcher.shown} has ended`)
    return value
  }

  return(): Promise<IteratorResult<HttpFlow, undefined>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Ends the iterator: what waits goes on. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#left(this)
    for (const flow of this.#held) flow.resume()
    this.#held.clear()
    this.#queue.length = 0
    for (const asked of this.#asked) asked({ done: true, value: undefined })
    this.#asked = []
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  /** Whether a flow could match, by what is known at its head. A filter by the body is wrong here, and then says no. */
  #mayMatch(flow: HttpFlow): boolean {
    return !this.#ended && this.#matcher.matches(flow)
  }

  #hold(flow: HttpFlow): void {
    if (this.#ended || !this.#matcher.matches(flow)) return
    for (const one of this.#held) if (!one.intercepted || !one.live) this.#held.delete(one)
    if (this.#held.size >= MAX_WAITING) {
      this.passed += 1
      return
    }
    flow.intercept()
    this.#held.add(flow)
    const asked = this.#asked.shift()
    if (asked) asked({ done: false, value: flow })
    else this.#queue.push(flow)
  }
}
