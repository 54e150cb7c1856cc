// The log: each line goes to the outputs, and to the hook `add_log`.
import type { HookName, LogLevel } from '../hooks.js'
import type { Sink } from '../sinks/sink.js'
import type { Dispatcher } from './dispatch.js'
import { LogLines } from './log-lines.js'

export class Log {
  /** The last lines. */
  readonly lines = new LogLines()
  readonly #sinks: () => readonly Sink[]
  readonly #dispatcher: () => Dispatcher
  readonly #redact: (message: string) => string
  /** The addons are being told of a line: what they log meanwhile is no line for them, or it would never end. */
  #telling = false

  /** `redact` takes out of a line what no output may see. */
  constructor(sinks: () => readonly Sink[], dispatcher: () => Dispatcher, redact: (message: string) => string) {
    this.#sinks = sinks
    this.#dispatcher = dispatcher
    this.#redact = redact
  }

  /** `about`: the hook that the line is about. */
  write(level: LogLevel, message: string, about?: HookName): void {
    const entry = { level, message: this.#redact(message), timestamp: Date.now() }
    this.lines.add(entry)
    for (const sink of this.#sinks()) safely(() => sink.log?.(entry))
    if (this.#telling || about === 'add_log' || !this.#dispatcher().wants('add_log')) return
    this.#telling = true
    try {
      void this.#dispatcher().run('add_log', entry)
    } finally {
      this.#telling = false
    }
  }
}

/** Calls an output. An error in it must not end the proxy, and cannot be logged, because the log is written by outputs, too. */
export function safely(work: () => void): void {
  try {
    work()
  } catch {}
}
