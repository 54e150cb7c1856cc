// The log in a terminal: `[12:34:56.789] what happened`, coloured by its level.
import type { LogEntry, LogLevel } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import { LineWriter, type TextOutput } from './lines.js'
import { afterChange } from './shown.js'
import type { Sink } from './sink.js'
import { clockText, oneLine, painter, type Style } from './text.js'

/** How verbose each level is. */
const ORDER: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 }

const STYLES: Record<LogEntry['level'], Style | undefined> = {
  error: 'red',
  warn: 'yellow',
  info: undefined,
  debug: 'dim',
}

export interface LogOptions extends Partial<Pick<Options, 'termlog_verbosity'>> {
  /** Whether levels have colours. Default: false. */
  color?: boolean
}

/** Writes lines of the log, those up to the level `termlog_verbosity`. */
export function logSink(output: TextOutput, { termlog_verbosity = 'info', color = false }: LogOptions = {}): Sink {
  const writer = new LineWriter(output, (count) => `(${count} lines of the log were left out)\n`)
  const paint = painter(color)
  let shown: Pick<Options, 'termlog_verbosity'> = { termlog_verbosity }
  return {
    name: 'log',
    log({ level, message, timestamp }) {
      if (ORDER[level] > ORDER[shown.termlog_verbosity]) return
      const style = STYLES[level]
      const text = oneLine(message)
      writer.write(`${paint('dim', `[${clockText(timestamp)}]`)} ${style ? paint(style, text) : text}\n`)
    },
    configure(change) {
      shown = afterChange(shown, ['termlog_verbosity'], change)
    },
    close: () => writer.flush(),
  }
}
