// The mocks and breakpoints that clients of the API have made. Those that the program itself has made are its own.

import type { InferOutput } from 'valibot'
import type { HttpFlow, HttpHeadersInit, Interception, Midwire, Mock } from '../../index.js'
import type * as Shape from '../api/schemas/proxy.js'
import { ApiError, notFound } from '../server/failure.js'
import { bytesOf } from './changes.js'

/** Rules of each kind. Each is held against every request. */
const MAX_RULES = 1_000

type NewMock = InferOutput<typeof Shape.NewMock>
type NewBreakpoint = InferOutput<typeof Shape.NewBreakpoint>

interface Breakpoint {
  readonly given: NewBreakpoint
  readonly reader: Interception
  readonly waiting: Set<HttpFlow>
}

export class Rules {
  readonly #proxy: Midwire
  readonly #mocks = new Map<string, { readonly given: NewMock; readonly mock: Mock }>()
  readonly #breakpoints = new Map<string, Breakpoint>()
  #last = 0

  constructor(proxy: Midwire) {
    this.#proxy = proxy
  }

  get mocks(): InferOutput<typeof Shape.Mock>[] {
    return [...this.#mocks].map(([id, { given, mock }]) => ({ ...given, id, used: mock.used }))
  }

  get breakpoints(): InferOutput<typeof Shape.Breakpoint>[] {
    return [...this.#breakpoints].map(([id, one]) => shown(id, one))
  }

  /** Throws ERR_FILTER, and an ApiError where there are too many. */
  addMock(given: NewMock): InferOutput<typeof Shape.Mock> {
    const { filter, respond, times } = given
    const { status = 200, headers, content, json } = respond
    if (content && json !== undefined) throw new ApiError(400, 'ERR_INPUT', 'body.respond: content or json, not both')
    full(this.#mocks.size)
    const mock = this.#proxy.mock(filter).respond({
      status,
      ...(headers && { headers: headers as HttpHeadersInit }),
      ...(content && ('text' in content ? { text: content.text } : { body: bytesOf(content) })),
      ...(json !== undefined && { json }),
    })
    if (times !== undefined) mock.times(times)
    const id = this.#newId()
    this.#mocks.set(id, { given, mock })
    return { ...given, id, used: 0 }
  }

  removeMock(id: string): void {
    const found = this.#mocks.get(id)
    if (!found) throw notFound(`mock ${id}`)
    this.#mocks.delete(id)
    found.mock.remove()
  }

  clearMocks(): void {
    for (const id of [...this.#mocks.keys()]) this.removeMock(id)
  }

  /** Throws ERR_FILTER, and an ApiError where there are too many. */
  addBreakpoint(given: NewBreakpoint): InferOutput<typeof Shape.Breakpoint> {
    full(this.#breakpoints.size)
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
    this.clearMocks()
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

function full(size: number): void {
  if (size >= MAX_RULES) throw new ApiError(409, 'ERR_EXHAUSTED', `there are ${MAX_RULES} already: remove some first`)
}
