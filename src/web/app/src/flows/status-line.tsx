// The line below the table: how many flows match, how far the search is, what is selected and what can be done with it.
import { count, plural } from '../shell/format.js'
import { act, colourOf, MARKS } from './actions.js'
import { progress, total } from './list.js'
import { selected } from './selection.js'
import { totalWaiting } from './waiting.js'

interface Props {
  readonly place: number
  readonly onCompare: () => void
  readonly onWaiting: () => void
}

export function StatusLine({ place, onCompare, onWaiting }: Props) {
  const { scanned, of } = progress.value
  const some = selected.value.size
  const searching = scanned < of
  return (
    <footer class="status">
      <span>
        {plural(total.value, 'flow')}
        {place >= 0 && `, at ${count(place + 1)}`}
      </span>
      <progress hidden={!searching} max={of} value={scanned} aria-label="Flows that were looked at" />
      {searching && (
        <span class="faint">
          {count(scanned)} of {count(of)} looked at
        </span>
      )}
      {totalWaiting.value > 0 && (
        <button type="button" class="quiet waits" title="Go to the next flow that waits (n)" onClick={onWaiting}>
          ‖ {count(totalWaiting.value)} {totalWaiting.value === 1 ? 'waits' : 'wait'}
        </button>
      )}
      <span class="actions" hidden={some === 0}>
        <span class="faint">{count(some)} selected</span>
        <button type="button" class="quiet" onClick={() => void act(selected.value, 'replay')}>
          Send again
        </button>
        <button type="button" class="quiet" onClick={() => void act(selected.value, 'resume')}>
          Go on
        </button>
        <button type="button" class="quiet" onClick={() => void act(selected.value, 'kill')}>
          End
        </button>
        {some === 2 && (
          <button type="button" class="quiet" title="Compare (d)" onClick={onCompare}>
            Compare
          </button>
        )}
        <button type="button" class="quiet" onClick={() => void act(selected.value, 'delete')}>
          Delete
        </button>
        {MARKS.map((mark) => (
          <button
            key={mark}
            type="button"
            class="mark"
            data-mark={colourOf(mark)}
            aria-label={`Mark ${colourOf(mark)}`}
            onClick={() => void act(selected.value, 'mark', mark)}
          />
        ))}
        <button type="button" class="quiet" onClick={() => void act(selected.value, 'mark', '')}>
          No mark
        </button>
      </span>
      <span class="download faint">Save as</span>
      <a class="download" href="/api/flows/file?format=har" download="flows.har">
        HAR
      </a>
      <a class="download" href="/api/flows/file" download="flows.mitm">
        flow file
      </a>
    </footer>
  )
}
