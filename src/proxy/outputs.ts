// The outputs of a proxy: those that its maker gave, and those of addons that options have brought.
import type { Output } from '../addons/by-option.js'
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook } from '../hooks.js'
import type { Sink } from '../sinks/sink.js'
import { safely } from './log.js'

/** The proxy, as outputs are told of it. */
type AttachedTo = Parameters<NonNullable<Sink['attached']>>[0]

export class Outputs {
  /** Those that were given and added. Never changed, but replaced: one may be removed while it is told. */
  sinks: readonly Sink[]
  readonly #proxy: AttachedTo
  readonly #ofOptions: () => readonly Output[]

  constructor(proxy: AttachedTo, sinks: readonly Sink[], ofOptions: () => readonly Output[]) {
    this.#proxy = proxy
    this.sinks = sinks
    this.#ofOptions = ofOptions
  }

  attach(): void {
    for (const sink of this.sinks) safely(() => sink.attached?.(this.#proxy))
  }

  /** Adds an output; the returned function removes and closes it. */
  add(sink: Sink): () => void {
    this.sinks = [...this.sinks, sink]
    safely(() => sink.attached?.(this.#proxy))
    return () => {
      if (!this.sinks.includes(sink)) return
      this.sinks = this.sinks.filter((one) => one !== sink)
      safely(() => void Promise.resolve(sink.close?.()).catch(() => {}))
    }
  }

  tell(what: 'begun' | 'changed' | 'finished', flow: AnyFlow): void {
    const method = what === 'finished' ? 'flow' : what
    for (const sink of this.sinks) if (sink[method]) safely(() => sink[method]?.(flow))
    if (what === 'finished') for (const output of this.#ofOptions()) safely(() => output.flow(flow))
  }

  configure(change: ConfigureHook): void {
    for (const sink of this.sinks) sink.configure?.(change)
  }

  /** Fulfilled when all outputs can take more. */
  async ready(): Promise<void> {
    for (const output of this.#ofOptions()) await output.ready?.()
  }

  async close(): Promise<void> {
    const closing = [...this.#ofOptions(), ...this.sinks].map(async (output) => output.close?.())
    await Promise.allSettled(closing)
  }
}
