// A body as a view shows it, as text or as hex, or as bytes to download; with a search in what is shown.
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { address } from '../shell/api.js'
import { count, size } from '../shell/format.js'
import { Lines, placesOf } from './lines.js'
import { loadViews, useRendered, views } from './rendered.js'
import { type Shown, setView, viewOf } from './view-address.js'

interface Props {
  /** Its name in the address, which has the view that was chosen. */
  readonly shown: Shown
  /** The path of the content in the API: `/flows/ID/request`, `/flows/ID/messages/3`. */
  readonly path: string
  readonly name: string
  readonly length: number
  readonly recorded: number
  /** Changes when the content has. */
  readonly version: string
  /** The Content-Type, if there is one. */
  readonly type?: string | undefined
  /** True: it has a Content-Encoding, so that its bytes are not those that are shown. */
  readonly isEncoded?: boolean
}

const LINES = 2_000
const ALL_LINES = 200_000

/** Pictures that the server gives out as such. */
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|bmp|x-icon)\b/i

const QUICK = [
  ['auto', 'Pretty'],
  ['text', 'Text'],
  ['hex', 'Hex'],
] as const

const NONE: [] = []

export function Body({ shown: place, path, name, length, recorded, version, type = '', isEncoded = false }: Props) {
  const view = viewOf(place, 'auto')
  const show = (next: string) => setView(place, next, 'auto')
  const lines = useSignal(LINES)
  const needle = useSignal('')
  const current = useSignal(0)
  useEffect(() => void loadViews(), [])
  const { shown, failure } = useRendered({ path, view, lines: lines.value, version })
  const rendered = shown.value
  const places = useMemo(() => placesOf(rendered?.lines ?? NONE, needle.value), [rendered, needle.value])
  const found = [...places.values()].reduce((sum, { length: own }) => sum + own, 0)
  const at = found > 0 ? ((current.value % found) + found) % found : 0
  if (length === 0) return <p class="faint">No body.</p>
  return (
    <div class="body">
      <div class="bar">
        <div class="choice" role="group" aria-label={`How the ${name} is shown`}>
          {QUICK.map(([one, title]) => (
            <button key={one} type="button" aria-pressed={view === one} onClick={() => show(one)}>
              {title}
            </button>
          ))}
        </div>
        <select aria-label={`View of the ${name}`} value={view} onChange={(event) => show(event.currentTarget.value)}>
          {/* The view that the address names stands here before the names of all have come. */}
          {(views.value.includes(view) ? views.value : [...views.value, view]).map((one) => (
            <option key={one} value={one}>
              {one === 'auto' && rendered && view === 'auto' ? `auto: ${rendered.view}` : one}
            </option>
          ))}
        </select>
        <div class="find">
          <input
            type="search"
            aria-label={`Search in the ${name}`}
            placeholder="Search"
            value={needle.value}
            onInput={(event) => {
              needle.value = event.currentTarget.value
              current.value = 0
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') current.value = at + (event.shiftKey ? -1 : 1)
              else if (event.key === 'Escape' && needle.value !== '') needle.value = ''
              else return
              event.preventDefault()
              event.stopPropagation()
            }}
          />
          {needle.value !== '' && (
            <>
              <span class="faint" role="status">
                {found > 0 ? `${count(at + 1)} of ${count(found)}` : 'not found'}
              </span>
              <button
                type="button"
                class="icon"
                aria-label="Place before"
                onClick={() => {
                  current.value = at - 1
                }}
              >
                ↑
              </button>
              <button
                type="button"
                class="icon"
                aria-label="Next place"
                onClick={() => {
                  current.value = at + 1
                }}
              >
                ↓
              </button>
            </>
          )}
        </div>
        <span class="faint">
          {size(length)}
          {recorded < length && `, ${size(recorded)} recorded`}
        </span>
        <a href={address(`${path}/content`)} download={`${name}.bin`}>
          Download
        </a>
        {isEncoded && (
          <a href={address(`${path}/content`, { decoded: false })} download={`${name}.encoded.bin`}>
            as it passed
          </a>
        )}
      </div>
      {failure.value && <p class="bad">{failure.value}</p>}
      {rendered?.note && <p class="faint">{rendered.note}</p>}
      {PICTURE.test(type) && view === 'auto' && recorded > 0 && (
        <img class="picture" src={address(`${path}/content`)} alt={`The ${name}`} />
      )}
      {rendered && <Lines lines={rendered.lines} places={places} current={at} />}
      {rendered?.cut && (
        <p>
          <span class="faint">Cut after {count(rendered.lines.length)} lines.</span>{' '}
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
