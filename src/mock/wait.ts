// `proxy.waitFor()`: a promise of the next flow that matches.
import { MidwireError } from '../errors.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowTypes, Matcher } from './match.js'
import { shownFlows } from './shown.js'

/** Milliseconds to wait where a caller names none: less than the 5 s that vitest and Jest give a test, so that the message is seen. */
const DEFAULT_MILLISECONDS = 4_000

/** The flows that a message can show; of more the oldest are forgotten. */
const MAX_REMEMBERED = 10

export interface WaitOptions<Type extends keyof FlowTypes = 'http'> {
  /** Milliseconds. Default: 4,000. Infinity waits until the proxy is closed. */
  readonly timeout?: number
  /** The type of flow that is waited for. Default: `http`. */
  readonly type?: Type
}

export class FlowWait {
  readonly #matcher: Matcher<AnyFlow>
  readonly #type: AnyFlow['type']
  readonly #running: () => readonly AnyFlow[]
  /** The newest flows that have ended and do not match, and the number of them all. */
  readonly #others: AnyFlow[] = []
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #settle: { resolve(flow: AnyFlow): void; reject(error: unknown): void } | undefined
  readonly promise: Promise<AnyFlow>

  /** `running` are the flows that have not ended, and `over` is called when nothing is waited for any more. */
  constructor(
    matcher: Matcher<AnyFlow>,
    { timeout = DEFAULT_MILLISECONDS, type = 'http' }: WaitOptions<keyof FlowTypes>,
    running: () => readonly AnyFlow[],
    over: (wait: FlowWait) => void,
  ) {
    this.#matcher = matcher
    this.#type = type
    this.#running = running
    this.promise = new Promise<AnyFlow>((resolve, reject) => {
      this.#settle = { resolve, reject }
    }).finally(() => {
      clearTimeout(this.#timer)
      over(this)
    })
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#fail('ERR_TIMEOUT', `within ${timeout} ms`), timeout)
    }
  }

  get seeksProcesses(): boolean {
    return this.#matcher.seeksProcesses
  }

  /** A flow has ended. */
  offer(flow: AnyFlow): void {
    try {
      if (flow.type === this.#type && this.#matcher.matches(flow)) {
        this.#settle?.resolve(flow)
        return
      }
    } catch (error) {
      this.#settle?.reject(error)
      return
    }
    this.#count += 1
    this.#others.push(flow)
    if (this.#others.length > MAX_REMEMBERED) this.#others.shift()
  }

  /** The proxy is closed. */
  close(): void {
    this.#fail('ERR_CLOSED', 'before the proxy was closed')
  }

  #fail(code: 'ERR_TIMEOUT' | 'ERR_CLOSED', when: string): void {
    const running = this.#running()
    const others = this.#count === 0 ? 'no other has ended' : `ended have ${shownFlows(this.#others, this.#count)}`
    const open = running.length === 0 ? '' : `; not over are ${shownFlows(running)}`
    const what = `no ${this.#type} flow that matches ${this.#matcher.shown} has ended ${when}`
    this.#settle?.reject(new MidwireError(code, `${what}: ${others}${open}`))
  }
}
