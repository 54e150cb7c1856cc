// What an output is: it reads flows that are over, and never writes to them.
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook, LogEntry } from '../hooks.js'

export interface Sink {
  readonly name: string
  /** A flow is over. */
  flow?(flow: AnyFlow): void
  log?(entry: LogEntry): void
  /** Options were changed while the proxy runs. To refuse the change, throw. */
  configure?(change: ConfigureHook): void
  /** The proxy has ended; what is buffered is written. */
  close?(): void | Promise<void>
}
