// The log in a terminal: `[12:34:56.789] what happened`, coloured by its level.
import type { LogEntry } from '../hooks.js'
import { LOG_ORDER, type Options } from '../options.js'
import { LineWriter, type TextOutput } from './lines.js'
import type { Sink } from './sink.js'
import { clockText, oneLine, painter, type Style } from './text.js'

const STYLES: Record<LogEntry['level'], Style | undefined> = {
  error: 'red',
  warn: 'yellow',
  info: undefined,
  debug: 'dim',
}

export interface LogOptions extends Partial<Pick<Options, 'termlog_verbosity'>> {
  /** Default: false. */
  color?: boolean
}

/** Writes log lines up to `termlog_verbosity`. */
export function logSink(output: TextOutput, { termlog_verbosity = 'info', color = false }: LogOptions = {}): Sink {
  const writer = new LineWriter(output, (count) => `(${count} lines of the log were left out)\n`)
  const paint = painter(color)
  return {
    name: 'log',
    log({ level, message, timestamp }) {
      if (LOG_ORDER[level] > LOG_ORDER[termlog_verbosity]) return
      const style = STYLES[level]
      const text = oneLine(message)
      writer.write(`${paint('dim', `[${clockText(timestamp)}]`)} ${style ? paint(style, text) : text}\n`)
    },
    close: () => writer.flush(),
  }
}
