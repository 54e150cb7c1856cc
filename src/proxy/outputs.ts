// The outputs of a proxy: those that its maker gave, and those of addons that options have brought.
import type { Output } from '../addons/by-option.js'
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook } from '../hooks.js'
import type { Sink } from '../sinks/sink.js'
import { safely } from './log.js'

export class Outputs {
  readonly #sinks: readonly Sink[]
  readonly #ofOptions: () => readonly Output[]

  constructor(sinks: readonly Sink[], ofOptions: () => readonly Output[]) {
    this.#sinks = sinks
    this.#ofOptions = ofOptions
  }

  attach(proxy: Parameters<NonNullable<Sink['attached']>>[0]): void {
    for (const sink of this.#sinks) safely(() => sink.attached?.(proxy))
  }

  tell(what: 'begun' | 'changed' | 'finished', flow: AnyFlow): void {
    const method = what === 'finished' ? 'flow' : what
    for (const sink of this.#sinks) if (sink[method]) safely(() => sink[method]?.(flow))
    if (what === 'finished') for (const output of this.#ofOptions()) safely(() => output.flow(flow))
  }

  configure(change: ConfigureHook): void {
    for (const sink of this.#sinks) sink.configure?.(change)
  }

  /** Fulfilled when all outputs can take more. */
  async ready(): Promise<void> {
    for (const output of this.#ofOptions()) await output.ready?.()
  }

  async close(): Promise<void> {
    const closing = [...this.#ofOptions(), ...this.#sinks].map(async (output) => output.close?.())
    await Promise.allSettled(closing)
  }
}
