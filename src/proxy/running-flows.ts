// The flows of a proxy that have begun and are not over, the oldest first.
import type { AnyFlow } from '../flow/index.js'

/** The place of a flow in the row of those that run. */
interface Place {
  readonly flow: AnyFlow
  before: Place | undefined
  after: Place | undefined
}

/**
 * A Set would do, but for the garbage collector: a set or map that grows out of its table leaves the old one behind with all that was in it, linked
 * to the new one. Once one table is among the old objects, each that follows outlives its flows, and what it has is copied twice and kept until
 * the next full collection. A place is taken out of the row whole, so nothing old leads to what is young.
 */
export class RunningFlows {
  #first: Place | undefined
  #last: Place | undefined

  add(flow: AnyFlow): void {
    if (flow.place) return
    const place: Place = { flow, before: this.#last, after: undefined }
    flow.place = place
    if (this.#last) this.#last.after = place
    else this.#first = place
    this.#last = place
  }

  /** Does nothing where the flow is not there: a flow that is read from a file ends without having begun. */
  delete(flow: AnyFlow): void {
    const place = flow.place as Place | undefined
    if (!place) return
    const { before, after } = place
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    place.before = undefined
    place.after = undefined
    flow.place = undefined
  }

  get all(): AnyFlow[] {
    const all: AnyFlow[] = []
    for (let place = this.#first; place; place = place.after) all.push(place.flow)
    return all
  }
}
