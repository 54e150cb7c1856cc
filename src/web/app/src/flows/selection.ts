// Which rows are selected, and which of them the keys go on from. Rows are named by their ids, as lists change under them.
import { computed, signal } from '@preact/signals'
import type { Row } from '../shell/api.js'
import { current, rowAt, seek, total } from './list.js'

/** The place that keys go on from; -1 for none. */
export const cursor = signal(-1)
export const selected = signal<ReadonlySet<string>>(new Set())
let anchor = -1
let cursorId = ''
/** The flow that the address names, until its row has come. */
let sought = ''

/** The selected rows that are in the window, in their order. */
export const selectedRows = computed(() =>
  current.value.rows.filter((row): row is Row => row !== undefined && selected.value.has(row.id)),
)

/** The row that keys act on. */
export const cursorRow = computed(() => (cursor.value < 0 ? undefined : rowAt(cursor.value)))

function put(index: number): void {
  sought = ''
  seek(undefined)
  cursor.value = index
  cursorId = rowAt(index)?.id ?? ''
}

/** Goes to a place. `extend`: all from the one that was gone to last are selected; `add`: this one, besides the others. */
export function select(index: number, how: { extend?: boolean; add?: boolean } = {}): void {
  const row = rowAt(index)
  if (how.extend && anchor >= 0) {
    const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)]
    const ids = new Set(how.add ? selected.value : [])
    for (let at = from; at <= to; at += 1) {
      const one = rowAt(at)
      if (one) ids.add(one.id)
    }
    // Those that have left the window stay selected.
    const { offset } = current.value
    if (from < offset) for (const id of selected.value) ids.add(id)
    selected.value = ids
  } else if (how.add && row) {
    const ids = new Set(selected.value)
    if (!ids.delete(row.id)) ids.add(row.id)
    selected.value = ids
    anchor = index
  } else {
    selected.value = new Set(row ? [row.id] : [])
    anchor = index
  }
  put(index)
}

/** By so many rows, and never out of the list. */
export function step(by: number, extend: boolean): void {
  const last = total.value - 1
  if (last < 0) return
  const from = cursor.value < 0 ? (by > 0 ? -1 : last + 1) : cursor.value
  select(Math.max(0, Math.min(last, from + by)), { extend })
}

export function clear(): void {
  selected.value = new Set()
  cursor.value = -1
  anchor = -1
  cursorId = ''
}

/** A flow that was opened by its address: its row is gone to, and asked for where it is none of those that are here. */
export function find(id: string): void {
  sought = ''
  const isHere = cursorId === id || id === '' || goTo(id)
  if (!isHere) sought = id
  seek(isHere ? undefined : id)
}

function goTo(id: string): boolean {
  const { rows, offset } = current.peek()
  const at = rows.findIndex((row) => row?.id === id)
  if (at >= 0) select(offset + at)
  return at >= 0
}

// A list that has changed takes the cursor along with its flow; a place that had no row yet gets its flow when that comes.
current.subscribe(({ rows, offset }) => {
  if (sought) goTo(sought)
  if (cursor.peek() < 0) return
  if (cursorId === '') {
    const row = rows[cursor.peek() - offset]
    if (!row) return
    cursorId = row.id
    if (selected.peek().size === 0) selected.value = new Set([row.id])
    return
  }
  const at = rows.findIndex((row) => row?.id === cursorId)
  if (at < 0 || at + offset === cursor.peek()) return
  anchor += at + offset - cursor.peek()
  cursor.value = at + offset
})
