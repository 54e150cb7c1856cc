// The rules of `proxy.mock()` in their order, and the addon that asks them.
import type { HttpFlow } from '../flow/http.js'
import type { Addon } from '../hooks.js'
import type { Matcher } from './match.js'
import { Mock, type MockList } from './mock.js'

/** The proxy, as mocks need it. */
export interface MockSurroundings {
  addAddon(addon: Addon): () => void
  /** The port of a WebSocket server of ours at 127.0.0.1. */
  webSocketPort(kind: 'echo' | 'listen'): Promise<number>
}

/** Where a request was to go before it was led to a server of ours. */
interface Place {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
}

export class Mocks implements MockList {
  readonly #around: MockSurroundings
  #rules: readonly Mock[] = []
  /** Takes the addons away; undefined while there are none. */
  #remove: (() => void) | undefined
  #removeWatch: (() => void) | undefined
  readonly #used = new WeakMap<HttpFlow, Mock>()
  readonly #led = new WeakMap<HttpFlow, Place>()

  constructor(around: MockSurroundings) {
    this.#around = around
  }

  get all(): readonly Mock[] {
    return this.#rules
  }

  add(matcher: Matcher): Mock {
    const mock = new Mock(matcher, this)
    this.#rules = [...this.#rules, mock]
    this.#remove ??= this.#around.addAddon(this.#addon())
    return mock
  }

  remove(mock: Mock): void {
    this.#rules = this.#rules.filter((one) => one !== mock)
    if (this.#rules.length === 0) this.clear()
  }

  clear(): void {
    this.#rules = []
    this.#remove?.()
    this.#removeWatch?.()
    this.#remove = undefined
    this.#removeWatch = undefined
  }

  watchResponses(): void {
    this.#removeWatch ??= this.#around.addAddon({
      name: 'mock()',
      responseheaders: (flow) => {
        if (flow.response && this.#used.get(flow)?.changesResponses) flow.response.stream ??= false
      },
      response: (flow) => this.#used.get(flow)?.changeResponse(flow),
    })
  }

  async leadToOwn(flow: HttpFlow, kind: 'echo' | 'listen'): Promise<void> {
    const port = await this.#around.webSocketPort(kind)
    const { request } = flow
    this.#led.set(flow, { scheme: request.scheme, host: request.host, port: request.port })
    Object.assign(request, { scheme: 'http', host: '127.0.0.1', port })
    flow.via = 'direct'
  }

  /** The rule for a request: the first in the order in which they were made, fallbacks last. */
  #ruleFor(flow: HttpFlow): Mock | undefined {
    return (
      this.#rules.find((rule) => !rule.isFallback && rule.takes(flow)) ??
      this.#rules.find((rule) => rule.isFallback && rule.takes(flow))
    )
  }

  #addon(): Addon {
    return {
      name: 'mock()',
      requestheaders: (flow) => {
        // Rules look at the whole request, however long it is, and so does `seen`.
        if (!flow.response) flow.request.stream ??= false
      },
      request: (flow) => {
        if (flow.response) return undefined
        const rule = this.#ruleFor(flow)
        if (!rule) return undefined
        this.#used.set(flow, rule)
        return rule.use(flow)
      },
      responseheaders: (flow) => this.#leadBack(flow),
      error: (flow) => this.#leadBack(flow),
    }
  }

  /** A flow says where its client wanted to go, and not where our server is. */
  #leadBack(flow: HttpFlow): void {
    const place = this.#led.get(flow)
    if (place) Object.assign(flow.request, place)
    this.#led.delete(flow)
  }
}
