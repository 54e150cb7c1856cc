// The flows that wait to be let go, in the order in which they began to.
import type { AnyFlow } from '../../index.js'
import type { ServerMessage } from '../api/updates.js'

/** The most ids in a message. */
const MAX_IDS = 100

export class Waiting {
  readonly #ids = new Set<string>()

  /** True where the flow waits now and did not before, or the other way round. */
  saw({ id, live, intercepted }: AnyFlow): boolean {
    if ((live && intercepted) === this.#ids.has(id)) return false
    if (!this.#ids.delete(id)) this.#ids.add(id)
    return true
  }

  message(): ServerMessage {
    return { type: 'waiting', ids: [...this.#ids].slice(0, MAX_IDS), total: this.#ids.size }
  }
}
