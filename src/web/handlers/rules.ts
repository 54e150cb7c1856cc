// The mocks and breakpoints that clients of the API have made. Those that the program itself has made are its own.

import type { InferOutput } from 'valibot'
import type { HttpFlow, Interception, Midwire } from '../../index.js'
import type * as Shape from '../api/schemas/proxy.js'
import { notFound } from '../server/failure.js'
import { checkRoom, MockRules } from './mock-rules.js'

type NewBreakpoint = InferOutput<typeof Shape.NewBreakpoint>

interface Breakpoint {
  readonly given: NewBreakpoint
  readonly reader: Interception
  readonly waiting: Set<HttpFlow>
}

export class Rules {
  readonly mocks: MockRules
  readonly #proxy: Midwire
  readonly #breakpoints = new Map<string, Breakpoint>()
  #last = 0

  constructor(proxy: Midwire) {
    this.#proxy = proxy
    this.mocks = new MockRules(proxy)
  }

  get breakpoints(): InferOutput<typeof Shape.Breakpoint>[] {
    return [...this.#breakpoints].map(([id, one]) => shown(id, one))
  }

  /** Throws ERR_FILTER, and an ApiError where there are too many. */
  addBreakpoint(given: NewBreakpoint): InferOutput<typeof Shape.Breakpoint> {
    checkRoom(this.#breakpoints.size)
    const reader = this.#proxy.intercept(given.filter, given.at ? { at: given.at } : {})
    const breakpoint: Breakpoint = { given, reader, waiting: new Set() }
    const id = this.#newId()
    this.#breakpoints.set(id, breakpoint)
    void this.#follow(breakpoint)
    return shown(id, breakpoint)
  }

  removeBreakpoint(id: string): void {
    const found = this.#breakpoints.get(id)
    if (!found) throw notFound(`breakpoint ${id}`)
    this.#breakpoints.delete(id)
    void found.reader.return()
  }

  close(): void {
    this.mocks.clear()
    for (const id of [...this.#breakpoints.keys()]) this.removeBreakpoint(id)
  }

  /** Takes the flows that wait out of the reader, which would let them go as unread otherwise when it ends: it holds them still. */
  async #follow({ reader, waiting }: Breakpoint): Promise<void> {
    for await (const flow of reader) {
      for (const one of waiting) if (!isWaiting(one)) waiting.delete(one)
      waiting.add(flow)
      this.#proxy.update([flow])
    }
  }

  #newId(): string {
    this.#last += 1
    return String(this.#last)
  }
}

const isWaiting = ({ intercepted, live }: HttpFlow) => intercepted && live

function shown(id: string, { given, waiting }: Breakpoint): InferOutput<typeof Shape.Breakpoint> {
  return { ...given, id, waiting: [...waiting].filter(isWaiting).map((flow) => flow.id) }
}
