// The interface of an output: it is given flows, when they begin, change and are over, and lines of the log, and changes neither.
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook, LogEntry } from '../hooks.js'
import type { Views } from '../views/render.js'

export interface Sink {
  readonly name: string
  /** Called once, when a proxy takes the output for its own: what it has for outputs. */
  attached?(proxy: { readonly views: Views }): void
  /** Called with each flow that begins: with the head of a request, say. */
  begun?(flow: AnyFlow): void
  /** Called with a flow that runs, when there is more of it: the head of a response, a message. Bytes of a body are not told: look at its `length`. */
  changed?(flow: AnyFlow): void
  /** Called with each flow that is over. */
  flow?(flow: AnyFlow): void
  log?(entry: LogEntry): void
  /** Options were changed while the proxy runs. To refuse the change, throw. */
  configure?(change: ConfigureHook): void
  /** Called when the proxy has ended: the output writes what it has buffered. */
  close?(): void | Promise<void>
}
