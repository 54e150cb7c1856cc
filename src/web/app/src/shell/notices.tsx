// Short lines about what was done or has failed, told to screen readers and gone after a while.
import { signal } from '@preact/signals'

interface Notice {
  readonly id: number
  readonly text: string
  readonly bad: boolean
}

const notices = signal<readonly Notice[]>([])
const SHOWN_MILLISECONDS = 4_000
const FAILURE_MILLISECONDS = 12_000
const MOST = 4
let last = 0

const drop = (id: number) => {
  notices.value = notices.value.filter((one) => one.id !== id)
}

export function notice(text: string, bad = false): void {
  last += 1
  const id = last
  notices.value = [...notices.value.slice(1 - MOST), { id, text, bad }]
  setTimeout(() => drop(id), bad ? FAILURE_MILLISECONDS : SHOWN_MILLISECONDS)
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, bad }) => (
        <div key={id} data-bad={bad}>
          <span>{text}</span>
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => drop(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}
