// The log as lines: levels, time, colours, and nothing but text.
import test from 'ava'
import { type LogOptions, logSink } from '../../src/sinks/log.js'

const timestamp = new Date(2026, 0, 2, 3, 4, 5, 6).getTime()

function logged(options: LogOptions, ...entries: ['error' | 'warn' | 'info' | 'debug', string][]): string {
  let text = ''
  const sink = logSink({ write: (more) => (text += more) }, options)
  for (const [level, message] of entries) sink.log?.({ level, message, timestamp })
  void sink.close?.()
  return text
}

test('a line has its time', (t) => {
  t.is(logged({}, ['info', 'it listens']), '[03:04:05.006] it listens\n')
})

test('what is less urgent than wanted is left out', (t) => {
  const all = [
    ['error', 'E'],
    ['warn', 'W'],
    ['info', 'I'],
    ['debug', 'D'],
  ] as const
  const letters = (termlog_verbosity: 'error' | 'warn' | 'info' | 'debug') =>
    logged({ termlog_verbosity }, ...all.map(([level, text]) => [level, text] as [typeof level, string]))
      .match(/[EWID]$/gm)
      ?.join('')
  t.is(letters('error'), 'E')
  t.is(letters('warn'), 'EW')
  t.is(letters('info'), 'EWI')
  t.is(letters('debug'), 'EWID')
})

test('warnings are yellow and errors red, where colours are wanted', (t) => {
  t.true(logged({ color: true }, ['warn', 'W']).endsWith('\x1b[33mW\x1b[0m\n'))
  t.true(logged({ color: true }, ['error', 'E']).endsWith('\x1b[31mE\x1b[0m\n'))
  t.true(logged({ color: true }, ['info', 'I']).endsWith(' I\n'))
})

test('a message is one line of text', (t) => {
  t.is(logged({}, ['info', 'a\nb\x1b[31m']), '[03:04:05.006] a\\nb\\x1b[31m\n')
})
