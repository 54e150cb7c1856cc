// What programs and their tests do with a running proxy: wait for flows, make them wait, answer for servers, send requests again.
import { hostPort } from '../addresses.js'
import type { Authority } from '../certs/authority.js'
import { MidwireError } from '../errors.js'
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import type { Addon } from '../hooks.js'
import { type Interception, InterceptionReader, type InterceptOptions } from '../mock/interception.js'
import { type FlowMatch, type FlowTypes, type Matcher, matcherOf } from '../mock/match.js'
import type { Mock } from '../mock/mock.js'
import { Mocks } from '../mock/mocks.js'
import { FlowWait, type WaitOptions } from '../mock/wait.js'
import type { ListenerInfo } from './api.js'
import { childEnv } from './child-env.js'
import { type FetchDispatcher, proxyAgent } from './dispatcher.js'
import type { ProxyOptions } from './options.js'
import { QuietWebSockets } from './quiet-websockets.js'
import type { Replays } from './replays.js'

/** The modes by which a program's HTTP client can use the proxy. */
const PROXIES: readonly string[] = ['regular', 'upstream', 'socks5']

/** The part of a proxy that tests are written with. All of it is made of addons, so what is not used costs nothing. */
export abstract class Fixture {
  readonly #waits = new Set<FlowWait>()
  readonly #interceptions = new Set<InterceptionReader>()
  readonly #webSockets = new QuietWebSockets()
  readonly #mocks = new Mocks({
    addAddon: (addon) => this.addAddon(addon),
    webSocketPort: (kind) => this.#webSockets.port(kind),
  })
  #over = false

  /** The flows that have begun and are not over, the oldest first. */
  abstract get runningFlows(): readonly AnyFlow[]
  abstract addAddon(addon: Addon): () => void
  /** @internal */
  protected abstract readonly replays: Replays
  abstract readonly confdir: string
  abstract readonly options: ProxyOptions
  abstract readonly authority: Authority
  abstract get listeners(): readonly ListenerInfo[]

  /**
   * The URL of the HTTP proxy, for programs on this machine: `http://127.0.0.1:8080`, with the user and password of option `proxyauth`. Throws
   * ERR_ARGUMENT where no mode is such a proxy.
   */
  get url(): string {
    const listener = this.listeners.find(({ mode, transport }) => PROXIES.includes(mode) && transport === 'tcp')
    if (!listener) {
      throw new MidwireError('ERR_ARGUMENT', 'no mode of this proxy is an HTTP proxy: add regular@127.0.0.1:0')
    }
    const { host, port } = listener
    const local = { '0.0.0.0': '127.0.0.1', '::': '127.0.0.1' }[host] ?? host
    const [, user, password] = /^([^:@]+):([^:]+)$/.exec(this.options.snapshot.proxyauth ?? '') ?? []
    const credentials = user && password ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@` : ''
    return `http://${credentials}${hostPort(local, port)}`
  }

  /**
   * Variables for the environment of a child process, whose requests then go through the proxy and whose TLS trusts it: `HTTP_PROXY` and
   * its like, `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`, `CURL_CA_BUNDLE`, `REQUESTS_CA_BUNDLE`, `GIT_SSL_CAINFO` and those of other
   * programs. The file of authorities, the system's with midwire's, is in the conf dir.
   *
   * ```ts
   * spawn('npm', ['test'], { env: { ...process.env, ...(await proxy.env()) } })
   * ```
   *
   * Rejects with ERR_ARGUMENT where no mode is an HTTP proxy, and with ERR_CONFDIR where the file cannot be written.
   */
  async env(): Promise<Record<string, string>> {
    const { pem, certificatePath } = this.authority
    return childEnv({ url: this.url, confdir: this.confdir, pem, certificatePath })
  }

  /**
   * An undici dispatcher for requests of this very program: an undici `ProxyAgent` that trusts the authority, and no other. The program
   * has to have the package undici.
   *
   * ```ts
   * const response = await fetch('https://api.test/users', { dispatcher: await proxy.dispatcher() })
   * ```
   *
   * `setGlobalDispatcher(await proxy.dispatcher<Dispatcher>())` of undici does it for all of its requests. `Agent` is the type that is wanted: Node's
   * `fetch` and the package undici have types of their own. Close it before the proxy. Rejects with ERR_ARGUMENT
   * where undici is not there, and where no mode is an HTTP proxy.
   */
  async dispatcher<Agent = FetchDispatcher>(): Promise<Agent> {
    return (await proxyAgent(this.url, this.authority.pem)) as Agent
  }

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

  /**
   * Makes a rule for the HTTP requests that match, from now on; what it does with them is said by the rule's methods.
   *
   * ```ts
   * const users = proxy.mock({ method: 'GET', path: '/users' }).respond(200, [{ name: 'Ada' }])
   * proxy.mock({ path: '/users' }).respond(503).twice()
   * proxy.mock('~d cdn.test').forward('http://localhost:3000')
   * proxy.mock({}).respond(404).fallback()
   * // ... the program under test runs ...
   * t.is(users.seen.length, 1)
   * ```
   *
   * The first rule that matches is used, in the order in which they were made; one that was used as often as it may (`times`) is passed
   * over. A request without a rule goes to its server. While there are rules, whole requests are held in memory, and no server is
   * connected to before a request needs it, so that servers of mocked hosts need not exist. Throws ERR_FILTER and ERR_ARGUMENT.
   */
  mock(match: FlowMatch): Mock {
    return this.#mocks.add(matcherOf(match))
  }

  /** The rules that `mock()` has made and that were not removed, in their order. */
  get mocks(): readonly Mock[] {
    return this.#mocks.all
  }

  /** Removes all rules. Requests that a rule was used for already go on with it. */
  clearMocks(): void {
    this.#mocks.clear()
  }

  /** A flow is over. @internal */
  protected flowIsOver(flow: AnyFlow): void {
    for (const wait of this.#waits) wait.offer(flow)
  }

  /** Somebody waits for a flow by the process of its client. @internal */
  protected get waitsForProcesses(): boolean {
    return [...this.#waits, ...this.#interceptions, ...this.mocks].some(({ seeksProcesses }) => seeksProcesses)
  }

  /** The proxy is closing: what waits goes on. @internal */
  protected endFixture(): void {
    this.#over = true
    for (const reader of this.#interceptions) reader.end()
    this.#webSockets.close()
  }

  /** The proxy is closed: nothing more will come. @internal */
  protected endWaits(): void {
    for (const wait of this.#waits) wait.close()
  }
}
