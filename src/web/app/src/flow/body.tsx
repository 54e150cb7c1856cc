// A body as a view shows it, or as hex or bytes to download; with a search in what is shown.
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Answer, address, get, type Rendered, type State } from '../shell/api.js'
import { count, size } from '../shell/format.js'

const views = signal<readonly string[]>(['auto'])
let asked = false

async function loadViews(): Promise<void> {
  if (asked) return
  asked = true
  await get<State>('/state').then(
    (state) => {
      views.value = state.views
    },
    () => {
      asked = false
    },
  )
}

interface Props {
  /** The path of the content in the API: `/flows/ID/request`, `/flows/ID/messages/3`. */
  readonly path: string
  readonly name: string
  readonly length: number
  readonly recorded: number
  /** Changes when the content has. */
  readonly version: string
}

const LINES = 2_000
const ALL_LINES = 200_000

export function Body({ path, name, length, recorded, version }: Props) {
  const view = useSignal('auto')
  const lines = useSignal(LINES)
  const needle = useSignal('')
  const rendered = useSignal<Rendered | undefined>(undefined)
  const failure = useSignal('')
  useEffect(() => void loadViews(), [])
  useEffect(() => {
    let over = false
    get<Answer<'viewContent'>>(`${path}/view`, { view: view.value, lines: lines.value }).then(
      (answer) => {
        if (over) return
        rendered.value = answer
        failure.value = ''
      },
      (error: Error) => {
        if (!over) failure.value = error.message
      },
    )
    return () => {
      over = true
    }
  }, [path, view.value, lines.value, version])
  if (length === 0) return <p class="faint">No body.</p>
  const shown = rendered.value
  return (
    <div class="body">
      <div class="bar">
        <select
          aria-label={`View of the ${name}`}
          value={view.value}
          onChange={(event) => {
            view.value = event.currentTarget.value
          }}
        >
          {views.value.map((one) => (
            <option key={one} value={one}>
              {one === 'auto' && shown && view.value === 'auto' ? `auto: ${shown.view}` : one}
            </option>
          ))}
        </select>
        <input
          type="search"
          aria-label={`Search in the ${name}`}
          placeholder="Search"
          value={needle.value}
          onInput={(event) => {
            needle.value = event.currentTarget.value
          }}
        />
        <span class="faint">
          {size(length)}
          {recorded < length && `, ${size(recorded)} recorded`}
        </span>
        <a href={address(`${path}/content`)} download={`${name}.bin`}>
          Download
        </a>
      </div>
      {failure.value && <p class="bad">{failure.value}</p>}
      {shown?.note && <p class="faint">{shown.note}</p>}
      {shown && <Lines lines={shown.lines} needle={needle.value} />}
      {shown?.cut && (
        <p>
          <span class="faint">Cut after {count(shown.lines.length)} lines.</span>{' '}
          {lines.value < ALL_LINES && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                lines.value = ALL_LINES
              }}
            >
              Show all
            </button>
          )}
        </p>
      )}
    </div>
  )
}

function Lines({ lines, needle }: { lines: Rendered['lines']; needle: string }) {
  const search = needle.toLowerCase()
  const text = (line: Rendered['lines'][number]) =>
    line.map((part) => (typeof part === 'string' ? part : part[1])).join('')
  const found = search === '' ? [] : lines.filter((line) => text(line).toLowerCase().includes(search))
  return (
    <>
      {search !== '' && (
        <p class="faint" role="status">
          {count(found.length)} of {count(lines.length)} lines have it
        </p>
      )}
      <pre class="lines-of">
        {(search === '' ? lines : found).map((line, at) => (
          <Line key={at} line={line} needle={search} />
        ))}
      </pre>
    </>
  )
}

function Line({ line, needle }: { line: Rendered['lines'][number]; needle: string }) {
  return (
    <>
      {line.map((part, at) => {
        const [style, text] = typeof part === 'string' ? ['', part] : part
        return (
          <span key={at} data-style={style}>
            {needle ? marked(text, needle) : text}
          </span>
        )
      })}
      {'\n'}
    </>
  )
}

/** The text with each place of `needle` marked. */
function marked(text: string, needle: string) {
  const lower = text.toLowerCase()
  const pieces = []
  let from = 0
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    pieces.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + needle.length)}</mark>)
    from = at + needle.length
  }
  return [...pieces, text.slice(from)]
}
