// The log: its last lines, and those that come.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Answer, get, type LogLine } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { time } from '../shell/format.js'
import { oneOf, remembered } from '../shell/remembered.js'

const LEVELS = ['error', 'warn', 'info', 'debug'] as const
const MOST_LINES = 2_000

const lines = signal<readonly LogLine[]>([])
const level = remembered<string>('log', 'info', oneOf(...LEVELS))

export function LogPage() {
  const open = connection.value === 'open'
  useEffect(() => {
    if (!open) return
    void get<Answer<'getLog'>>('/log', { limit: 1_000 }).then(
      (answer) => {
        lines.value = answer.lines
      },
      () => undefined,
    )
    const ends = [
      followTopic('log'),
      onMessage('log', (message) => {
        lines.value = [...lines.value, ...message.lines].slice(-MOST_LINES)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  const most = LEVELS.indexOf(level.value as (typeof LEVELS)[number])
  const shown = lines.value.filter((line) => LEVELS.indexOf(line.level) <= most)
  return (
    <>
      <h1>Log</h1>
      <label>
        Level{' '}
        <select
          value={level.value}
          onChange={(event) => {
            level.value = event.currentTarget.value
          }}
        >
          {LEVELS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {shown.length === 0 && <p class="faint">Nothing was logged at this level.</p>}
      <ol class="log">
        {shown.map((line, at) => (
          <li key={`${line.timestamp} ${at}`} data-level={line.level}>
            <span class="faint">{time(line.timestamp)}</span> <b>{line.level}</b> {line.message}
          </li>
        ))}
      </ol>
    </>
  )
}
