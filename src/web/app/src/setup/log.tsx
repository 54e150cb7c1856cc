// The log: its last lines, and those that come, by level and by a word.
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { copy } from '../flows/actions.js'
import { type Answer, get, type LogLine } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { count, time } from '../shell/format.js'
import { useKeys } from '../shell/keys.js'
import { query, setQuery } from '../shell/router.js'

const LEVELS = ['error', 'warn', 'info', 'debug'] as const
const USUAL = 'info'
const MOST_LINES = 2_000
const MOST_SHOWN = 1_000

interface Line extends LogLine {
  /** Counts up: a line is the same one when others before it are gone. */
  readonly number: number
}

const lines = signal<readonly Line[]>([])
let last = 0
const numbered = (all: readonly LogLine[]) =>
  all.map((line) => {
    last += 1
    return { ...line, number: last }
  })

export function LogPage() {
  const open = connection.value === 'open'
  const list = useRef<HTMLOListElement>(null)
  const search = useRef<HTMLInputElement>(null)
  /** The end is seen: lines that come are followed. */
  const following = useRef(true)
  useKeys('Log', [{ key: '/', does: 'Go to the search', run: () => search.current?.select() }])
  useEffect(() => {
    if (!open) return
    void get<Answer<'getLog'>>('/log', { limit: 1_000 }).then(
      (answer) => {
        lines.value = numbered(answer.lines)
      },
      () => undefined,
    )
    const ends = [
      followTopic('log'),
      onMessage('log', (message) => {
        lines.value = [...lines.value, ...numbered(message.lines)].slice(-MOST_LINES)
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  const level = LEVELS.find((one) => one === query.value.get('level')) ?? USUAL
  const text = query.value.get('search') ?? ''
  const word = text.toLowerCase()
  const all = lines.value.filter(
    (line) => LEVELS.indexOf(line.level) <= LEVELS.indexOf(level) && line.message.toLowerCase().includes(word),
  )
  const shown = all.slice(-MOST_SHOWN)
  useLayoutEffect(() => {
    const element = list.current
    if (element && following.current) element.scrollTop = element.scrollHeight
  }, [shown.at(-1)?.number, level, text])
  return (
    <div class="log-page">
      <h1>Log</h1>
      <div class="bar">
        <label>
          Level{' '}
          <select
            value={level}
            onChange={({ currentTarget: { value } }) => setQuery({ level: value === USUAL ? '' : value })}
          >
            {LEVELS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <input
          ref={search}
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          value={text}
          onInput={(event) => setQuery({ search: event.currentTarget.value })}
        />
        <span class="faint" role="status">
          {count(all.length)} of {count(lines.value.length)} lines
        </span>
        <button
          type="button"
          class="quiet"
          disabled={all.length === 0}
          onClick={() =>
            void copy(all.map((line) => `${time(line.timestamp)} ${line.level} ${line.message}`).join('\n'), 'Lines')
          }
        >
          Copy
        </button>
      </div>
      {shown.length === 0 && (
        <p class="faint">
          {word ? 'No line has this word at this level. ' : 'Nothing was logged at this level. '}
          {(level !== 'debug' || word) && (
            <button type="button" onClick={() => setQuery({ level: 'debug', search: '' })}>
              Show all lines
            </button>
          )}
        </p>
      )}
      <ol
        ref={list}
        class="log"
        tabIndex={0}
        aria-label="Lines of the log"
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          following.current = scrollTop + clientHeight >= scrollHeight - 8
        }}
      >
        {shown.map((line) => (
          <li key={line.number} data-level={line.level}>
            <span class="faint">{time(line.timestamp)}</span> <b>{line.level}</b> <span>{line.message}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}
