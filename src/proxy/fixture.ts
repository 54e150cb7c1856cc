// What programs and their tests do with a running proxy: wait for flows, make them wait, and send their requests again.
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import type { Addon } from '../hooks.js'
import { type Interception, InterceptionReader, type InterceptOptions } from '../mock/interception.js'
import { type FlowMatch, type FlowTypes, type Matcher, matcherOf } from '../mock/match.js'
import { FlowWait, type WaitOptions } from '../mock/wait.js'
import type { Replays } from './replays.js'

/** The part of a proxy that tests are written with. All of it is made of addons, so what is not used costs nothing. */
export abstract class Fixture {
  readonly #waits = new Set<FlowWait>()
  readonly #interceptions = new Set<InterceptionReader>()
  #over = false

  /** The flows that have begun and are not over, the oldest first. */
  abstract get runningFlows(): readonly AnyFlow[]
  abstract addAddon(addon: Addon): () => void
  protected abstract readonly replays: Replays

  /**
   * The next flow that matches, once it is over: answered, ended or failed. Only flows that end after the call count, so call it before
   * what makes the flow begin, and await it afterwards:
   *
   * ```ts
   * const posted = proxy.waitFor({ method: 'POST', path: '/login' })
   * await page.click('text=Log in')
   * t.is((await posted).response?.status, 200)
   * ```
   *
   * Rejects with ERR_TIMEOUT after `timeout` milliseconds (default 4,000), with a message that names the flows that ended meanwhile and
   * did not match; with ERR_CLOSED when the proxy is closed; and with what a function throws. Throws ERR_FILTER and ERR_ARGUMENT.
   */
  waitFor<Type extends keyof FlowTypes = 'http'>(
    match: FlowMatch<FlowTypes[Type]>,
    options: WaitOptions<Type> = {},
  ): Promise<FlowTypes[Type]> {
    const matcher = matcherOf(match) as unknown as Matcher<AnyFlow>
    const running = () => this.runningFlows
    const wait = new FlowWait(matcher, options, running, (over) => this.#waits.delete(over))
    this.#waits.add(wait)
    if (this.#over) wait.close()
    return wait.promise as unknown as Promise<FlowTypes[Type]>
  }

  /**
   * Makes the HTTP flows that match wait, from now on, and gives them one after the other: a flow waits at its request, and again at its
   * response. What is still waiting when the iterator is left, or the proxy is closed, goes on.
   *
   * ```ts
   * for await (const flow of proxy.intercept({ path: '/users' }, { at: 'response' })) {
   *   flow.response!.status = 503
   *   flow.resume()
   *   break
   * }
   * ```
   *
   * With `take()` a test asks for one: `await using users = proxy.intercept('~u /users')`, then `const flow = await users.take()`.
   * Throws ERR_FILTER and ERR_ARGUMENT.
   */
  intercept(match: FlowMatch, options: InterceptOptions = {}): Interception {
    const reader: InterceptionReader = new InterceptionReader(matcherOf(match), options, (left) => {
      this.#interceptions.delete(left)
      remove()
    })
    const remove = this.addAddon(reader.addon)
    this.#interceptions.add(reader)
    if (this.#over) reader.end()
    return reader
  }

  /**
   * Sends the request of a flow again, recorded or changed, as its client did: through all hooks, by the way of its mode, and by the
   * HTTP version that it had. The promise gives the new flow, whose `replayed` is `request`, once that is over, with `error` where it has
   * failed; of several flows those that were sent, in the order given. They wait for their turn, one after the other, or all at once
   * (option `client_replay_concurrency`). Rejects with ERR_REPLAY where one of them cannot be replayed: WebSockets, CONNECT, bodies that
   * were recorded in part.
   */
  replay(flow: HttpFlow | FlowRecord): Promise<HttpFlow>
  replay(flows: Iterable<HttpFlow | FlowRecord>): Promise<HttpFlow[]>
  async replay(given: HttpFlow | FlowRecord | Iterable<HttpFlow | FlowRecord>): Promise<HttpFlow | HttpFlow[]> {
    return Symbol.iterator in given ? this.replays.addEach([...given]) : this.replays.add(given)
  }

  /** A flow is over. @internal */
  protected flowIsOver(flow: AnyFlow): void {
    for (const wait of this.#waits) wait.offer(flow)
  }

  /** Somebody waits for a flow by the process of its client. @internal */
  protected get waitsForProcesses(): boolean {
    return [...this.#waits, ...this.#interceptions].some(({ seeksProcesses }) => seeksProcesses)
  }

  /** The proxy is closing: what waits goes on. @internal */
  protected endFixture(): void {
    this.#over = true
    for (const reader of this.#interceptions) reader.end()
  }

  /** The proxy is closed: nothing more will come. @internal */
  protected endWaits(): void {
    for (const wait of this.#waits) wait.close()
  }
}
