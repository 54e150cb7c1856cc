// The mocks that clients of the API have made: in an order of their own, changed, switched off and on.
import type { InferOutput } from 'valibot'
import type { HttpHeadersInit, Midwire, Mock } from '../../index.js'
import type * as Shape from '../api/schemas/proxy.js'
import { ApiError, notFound } from '../server/failure.js'
import { bytesOf } from './changes.js'

/** Rules of each kind. Each is held against every request. */
const MAX_RULES = 1_000

type NewMock = InferOutput<typeof Shape.NewMock>
type Change = InferOutput<typeof Shape.MockChange>
type Shown = InferOutput<typeof Shape.Mock>

interface MockRule {
  readonly given: NewMock
  readonly enabled: boolean
  /** How often it was used before `mock` was made. */
  readonly before: number
  /** Undefined where it is switched off, or was used as often as it may. */
  readonly mock: Mock | undefined
}

/** Throws an ApiError where there are too many rules already. */
export function checkRoom(size: number): void {
  if (size >= MAX_RULES) throw new ApiError(409, 'ERR_EXHAUSTED', `there are ${MAX_RULES} already: remove some first`)
}

const usedOf = ({ before, mock }: MockRule) => before + (mock?.used ?? 0)

const shown = (id: string, rule: MockRule): Shown => ({
  ...rule.given,
  ...{ id, used: usedOf(rule), enabled: rule.enabled },
})

export class MockRules {
  readonly #proxy: Midwire
  #rules: ReadonlyMap<string, MockRule> = new Map()
  #last = 0

  constructor(proxy: Midwire) {
    this.#proxy = proxy
  }

  list(): Shown[] {
    return [...this.#rules].map(([id, rule]) => shown(id, rule))
  }

  /** Throws ERR_FILTER, and an ApiError where there are too many or the answer is wrong. */
  add(given: NewMock): Shown {
    checkRoom(this.#rules.size)
    const rule = { given, enabled: true, before: 0, mock: this.#made(given) }
    this.#last += 1
    const id = String(this.#last)
    this.#rules = new Map([...this.#rules, [id, rule]])
    return shown(id, rule)
  }

  /** Throws ERR_FILTER and ApiErrors, and nothing is changed then. */
  change(id: string, { enabled, filter, respond, times }: Change): Shown {
    const rule = this.#at(id)
    const given: NewMock = {
      filter: filter ?? rule.given.filter,
      respond: respond ?? rule.given.respond,
      times: times === undefined ? rule.given.times : (times ?? undefined),
    }
    // A mistake in the new mock is refused before any mock is changed.
    this.#made(given).remove()
    this.#arrange(
      [...this.#rules].map(([one, before]) =>
        one === id ? [one, { ...before, given, enabled: enabled ?? before.enabled }] : [one, before],
      ),
    )
    return shown(id, this.#at(id))
  }

  /** Throws an ApiError unless `ids` are all there are. */
  order(ids: readonly string[]): void {
    if (new Set(ids).size !== this.#rules.size || ids.length !== this.#rules.size)
      throw new ApiError(409, 'ERR_CONFLICT', 'body.ids: they are not those of all mocks; list them again')
    this.#arrange(ids.map((id) => [id, this.#at(id)]))
  }

  remove(id: string): void {
    this.#at(id).mock?.remove()
    this.#rules = new Map([...this.#rules].filter(([one]) => one !== id))
  }

  clear(): void {
    for (const id of this.#rules.keys()) this.remove(id)
  }

  #at(id: string): MockRule {
    const found = this.#rules.get(id)
    if (!found) throw notFound(`mock ${id}`)
    return found
  }

  /** The proxy asks its mocks in the order in which they were made: all are made anew. */
  #arrange(rules: readonly (readonly [string, MockRule])[]): void {
    for (const { mock } of this.#rules.values()) mock?.remove()
    this.#rules = new Map(
      rules.map(([id, rule]) => {
        const before = usedOf(rule)
        const left = rule.given.times === undefined ? undefined : rule.given.times - before
        const works = rule.enabled && (left === undefined || left > 0)
        const mock = works ? this.#made({ ...rule.given, times: left }) : undefined
        return [id, { ...rule, before, mock }]
      }),
    )
  }

  #made({ filter, respond, times }: NewMock): Mock {
    const { status = 200, headers, content, json } = respond
    if (content && json !== undefined) throw new ApiError(400, 'ERR_INPUT', 'body.respond: content or json, not both')
    const mock = this.#proxy.mock(filter).respond({
      status,
      ...(headers && { headers: headers as HttpHeadersInit }),
      ...(content && ('text' in content ? { text: content.text } : { body: bytesOf(content) })),
      ...(json !== undefined && { json }),
    })
    return times === undefined ? mock : mock.times(times)
  }
}
