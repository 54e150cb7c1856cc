// The table of flows: only the rows that are seen are in the page, however many there are.
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Sort } from '../../../api/schemas/row.js'
import { count } from '../shell/format.js'
import { columnOf, shown } from './columns.js'
import { DrawnRows } from './drawn-rows.js'
import { Head } from './head.js'
import { current, growsAtEnd, highlighted, look, total } from './list.js'
import { type RowProps, tellWhole } from './row.js'
import { cursor, select, selected } from './selection.js'
import { isTextSelected, useHeld } from './text-selection.js'

export const ROW_HEIGHT = 24
/** Browsers lay out no element that is much higher; behind that the scroll bar stands for more than its pixels. */
const MOST_PIXELS = 16_000_000
/** Rows that are drawn above and below those that are seen, and how many come at a time: between, a scroll draws nothing. */
const SPARE_ROWS = 8
const ROWS_AT_ONCE = 6

/** Columns that take the room that the others leave. */
const isWide = (name: string) => name === 'path' || name === 'url'
const LEAST_OF_WIDE = 150
/** While the list is narrow, wide columns give way; wider than at first they are by somebody's hand. */
const leastOf = (name: string, width: number) =>
  isWide(name) && width <= columnOf(name).width ? Math.min(width, LEAST_OF_WIDE) : width

interface Props {
  readonly sort: Sort
  readonly reverse: boolean
  readonly onSort: (sort: Sort) => void
  readonly onOpen: (index: number) => void
  /** Is set to the number of rows that are seen at once. */
  readonly page: { current: number }
}

/** The place of the row that an event is of; -1 for none. */
const indexOf = ({ target }: Event) =>
  Number(target instanceof Element ? (target.closest<HTMLElement>('[data-index]')?.dataset.index ?? -1) : -1)

export function Table({ sort, reverse, onSort, onOpen, page }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const height = useSignal(600)
  const top = useSignal(0)
  /** The end of the list is seen, and so is what comes. The list is new at its end. */
  const atEnd = useSignal(true)
  const endsSelection = useRef(false)

  const follows = atEnd.value && growsAtEnd({ sort, reverse })
  const list = useHeld(
    { total: total.value, window: current.value, lit: highlighted.value },
    `${follows ? 'end' : top.value} ${sort} ${reverse}`,
  )
  const rows = list.total
  const full = rows * ROW_HEIGHT
  const pixels = Math.min(full, MOST_PIXELS)
  const body = Math.max(0, height.value - ROW_HEIGHT)
  const atOnce = Math.max(1, Math.floor(body / ROW_HEIGHT))
  page.current = atOnce
  // Where the scroll bar's pixels are those of rows, this is its place; else its share of all rows.
  const ratio = pixels > body ? (full - body) / (pixels - body) : 1
  const at = follows ? Math.max(0, pixels - body) : top.value
  const offset = at * ratio
  const first = Math.max(0, Math.floor(offset / ROW_HEIGHT) - SPARE_ROWS)
  const last = Math.min(rows, Math.ceil((offset + body) / ROW_HEIGHT) + SPARE_ROWS)
  const shownAt = (index: number) => index * ROW_HEIGHT - offset + at

  const { offset: from, rows: window } = list.window
  const seen = Array.from({ length: Math.max(0, last - first) }, (_, place): RowProps => {
    const index = first + place
    const row = window[index - from]
    return {
      ...{ index, row, columns: shown.value, top: Math.round(shownAt(index)) },
      isCursor: cursor.value === index,
      isSelected: row !== undefined && selected.value.has(row.id),
      isLit: row !== undefined && list.lit.has(row.number),
    }
  })
  const within = useRef<HTMLDivElement>(null)
  const drawn = useRef<DrawnRows>(null)
  drawn.current ??= new DrawnRows()
  useLayoutEffect(() => {
    if (within.current) drawn.current?.draw(within.current, seen)
  })

  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    const element = scroller.current
    // It was scrolled on by more than twice of what is seen since: these rows are gone before they come, and what is seen then is drawn next.
    const isGone = element && Math.abs(element.scrollTop - at) * ratio > 2 * body
    if (!isGone) look(first, last, follows)
  }, [first, last, sort, reverse, follows])

  useLayoutEffect(() => {
    if (follows && rows > 0 && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight
  }, [rows, body, follows])

  useLayoutEffect(() => {
    const element = scroller.current
    const index = cursor.value
    if (!element || index < 0) return
    const above = index * ROW_HEIGHT
    const offset = element.scrollTop * ratio
    if (above < offset) element.scrollTop = above / ratio
    else if (above + ROW_HEIGHT > offset + body) element.scrollTop = (above + ROW_HEIGHT - body) / ratio
  }, [cursor.value])

  const onScroll = () => {
    const element = scroller.current
    if (!element) return
    // What else is to be known of the element was told already: to ask for it here would lay out the page anew.
    const { scrollTop } = element
    const left = pixels - body - scrollTop
    const far = Math.abs(scrollTop - top.value) >= (ROWS_AT_ONCE * ROW_HEIGHT) / ratio
    if (far || scrollTop === 0 || left <= 1) top.value = scrollTop
    atEnd.value = left <= ROW_HEIGHT
  }

  const template = shown.value
    .map(({ name, width }) => (isWide(name) ? `minmax(${leastOf(name, width)}px, 1fr)` : `${width}px`))
    .join(' ')
  const wide = shown.value.reduce((sum, { name, width }) => sum + leastOf(name, width), 0)
  return (
    <div
      ref={scroller}
      class="table"
      role="grid"
      tabIndex={0}
      aria-label="Flows"
      aria-rowcount={rows + 1}
      aria-colcount={shown.value.length}
      aria-multiselectable="true"
      aria-activedescendant={cursor.value >= first && cursor.value < last ? `row-${cursor.value}` : undefined}
      onScroll={onScroll}
      style={{ '--columns': template, '--wide': `${wide}px` }}
    >
      <Head columns={shown.value} sort={sort} reverse={reverse} onSort={onSort} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the page's keys open the row that the cursor is on */}
      <div
        ref={within}
        class="rows"
        role="rowgroup"
        onMouseDown={(event) => {
          const index = indexOf(event)
          const [extend, add] = [event.shiftKey, event.ctrlKey || event.metaKey]
          // A press that ends the selection of text is of rows as they were.
          endsSelection.current = isTextSelected()
          // Rows are selected, and no text from one to the other.
          if (extend || add) getSelection()?.removeAllRanges()
          if (event.button === 0 && index >= 0 && !endsSelection.current) select(index, { extend, add })
        }}
        onClick={(event) => {
          const index = indexOf(event)
          const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey
          // Text that was selected by a drag is to be copied, and no click.
          if (index >= 0 && isPlain && !endsSelection.current && !getSelection()?.toString()) onOpen(index)
        }}
        aria-label={`${count(rows)} flows`}
        style={{ height: `${pixels}px` }}
        onPointerOver={tellWhole}
      />
    </div>
  )
}
