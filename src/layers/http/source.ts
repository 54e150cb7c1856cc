// The body of an addon's own response that comes piece by piece, from its `source`.
import type { HttpFlow } from '../../flow/http.js'
import type { AnyChannel } from '../channel.js'
import type { Step } from '../layer.js'
import type { Emit, Inlet } from './ends.js'
import { Stopped } from './error.js'

export class SourceInlet implements Inlet {
  readonly channel: AnyChannel
  readonly side = 'response'
  readonly trailers = undefined
  readonly #flow: HttpFlow
  done: boolean

  /** `channel`: the client's, for nothing else carries this body. `done`: nobody wants it. */
  constructor(flow: HttpFlow, channel: AnyChannel, done: boolean) {
    this.#flow = flow
    this.channel = channel
    this.done = done
  }

  /** Nothing has come before it is asked for. */
  readAhead(): void {}

  *read(emit: Emit): Step<void> {
    const piece = (yield { type: 'pull', flow: this.#flow }) as Buffer | undefined
    if (!piece) throw new Stopped(this.#flow.error?.message)
    if (piece.length === 0) this.done = true
    else emit(piece)
  }
}
