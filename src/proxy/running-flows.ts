// The flows of a proxy that have begun and are not over, the oldest first.
import type { AnyFlow } from '../flow/index.js'

/**
 * A Set would do, but for the garbage collector: a set that grows out of its table leaves the old one behind with all that was in it, linked to
 * the new one. Once one table is among the old objects, each that follows outlives its flows, and nearly every flow is copied twice and
 * kept until the next full collection. What these tables have is emptied when its flow is over.
 */
export class RunningFlows {
  readonly #boxes = new Map<string, { flow: AnyFlow | undefined }>()

  /** A flow of the same id, which is read from a file once more, takes the place of the one before. */
  add(flow: AnyFlow): void {
    const box = this.#boxes.get(flow.id)
    if (box) box.flow = flow
    else this.#boxes.set(flow.id, { flow })
  }

  delete(flow: AnyFlow): void {
    const box = this.#boxes.get(flow.id)
    if (box?.flow !== flow) return
    box.flow = undefined
    this.#boxes.delete(flow.id)
  }

  get all(): AnyFlow[] {
    return Array.from(this.#boxes.values(), ({ flow }) => flow as AnyFlow)
  }
}
