// The list of flows as the server keeps it up: the rows of a window, how many there are, and what has gone wrong with a filter.
import { batch, computed, signal } from '@preact/signals'
import type { Sort } from '../../../api/schemas/row.js'
import type { Row } from '../shell/api.js'
import { follow, onMessage, remember, say } from '../shell/connection.js'
import { query as addressed } from '../shell/router.js'

export interface Query {
  readonly filter: string
  readonly highlight: string
  readonly sort: Sort
  readonly reverse: boolean
}

export interface Refusal {
  readonly message: string
  readonly at: number | undefined
}

/** Rows that are asked for above and below those that are seen; and near the edge of those, others are asked for. */
const MARGIN = 120
const EDGE = 20
const MOST_ROWS = 1000
/** Rows that are asked for at first, and where new ones are followed: those that this window may show, and some. */
const FEW_ROWS = Math.ceil(innerHeight / 24) + 30

interface Window {
  readonly offset: number
  readonly rows: readonly (Row | undefined)[]
}

export const current = signal<Window>({ offset: 0, rows: [] })
export const total = signal(0)
export const progress = signal({ scanned: 0, of: 0 })
export const highlighted = signal<ReadonlySet<number>>(new Set())
export const refused = signal<{ filter?: Refusal | undefined; highlight?: Refusal | undefined }>({})
/** True until the first rows of a list have come, or there are none. */
export const waiting = signal(true)

/** The list that the address names. */
export const wanted = computed(
  (): Query => ({
    filter: addressed.value.get('filter') ?? '',
    highlight: addressed.value.get('highlight') ?? '',
    sort: (addressed.value.get('sort') ?? 'number') as Sort,
    reverse: addressed.value.get('order') === 'down',
  }),
)

let list = 0
let query: Query | undefined
let known = new Map<number, Row>()
/** `end`: the last rows, also when more have come. `around`: those around a flow, once the list has it. */
let asked: { offset: number; limit: number; end: boolean; around?: string } = { offset: 0, limit: FEW_ROWS, end: true }

/** Whether what comes stands at the end of a list. */
export const growsAtEnd = ({ sort, reverse }: Pick<Query, 'sort' | 'reverse'>): boolean => sort === 'number' && !reverse

/** The message that begins the list as it is wanted now. */
function beginning({ filter, highlight, sort, reverse }: Query) {
  const texts = { ...(filter && { filter }), ...(highlight && { highlight }) }
  return { type: 'list', list, ...texts, sort, reverse, ...asked } as const
}

function begin(): void {
  if (!query) return
  list += 1
  follow('list', beginning(query))
}

/** Follows a list from now on, where it is not followed already. */
export function show(next: Query): void {
  const same = query && JSON.stringify(query) === JSON.stringify(next)
  if (same) return
  const offset = query && query.filter !== next.filter ? 0 : asked.end ? current.peek().offset : asked.offset
  asked = { ...asked, offset, end: asked.end && growsAtEnd(next) }
  query = next
  batch(() => {
    waiting.value = true
    refused.value = {}
  })
  begin()
}

export function hide(): void {
  query = undefined
  follow('list', undefined, { type: 'unlist' })
}

/** The window is to have a flow, wherever it stands in the list; undefined for none. */
export function seek(id: string | undefined): void {
  if (asked.around === id) return
  const { offset, limit, end } = asked
  asked = { offset, limit, end, ...(id !== undefined && { around: id }) }
  if (!query) return
  remember(beginning(query))
  say({ type: 'window', list, ...asked })
}

/** Says which rows are seen. The window is moved when they come near its edge. `isEnd`: they are the last ones, and those that come are to be seen. */
export function look(first: number, last: number, isEnd: boolean): void {
  if (isEnd) {
    if (asked.end && last - first <= asked.limit) return
    const limit = Math.min(MOST_ROWS, Math.max(FEW_ROWS, last - first + EDGE))
    asked = { ...asked, offset: first, limit, end: true }
  } else {
    const { offset: before, limit, end } = asked
    if (!end && first >= before + (before > 0 ? EDGE : 0) && last <= before + limit - EDGE) return
    const offset = Math.max(0, first - MARGIN)
    asked = { ...asked, offset, limit: Math.min(MOST_ROWS, last - offset + MARGIN), end: false }
  }
  if (!query) return
  // On a new connection the list begins at the window that is seen then.
  remember(beginning(query))
  say({ type: 'window', list, ...asked })
}

onMessage('rows', (message) => {
  if (message.list !== list) return
  if (message.fresh) known = new Map()
  for (const row of message.rows) known.set(row.number, row)
  const rows = message.order.map((number) => known.get(number))
  const { around } = asked
  if (around !== undefined && rows.some((row) => row?.id === around))
    asked = { offset: message.offset, limit: asked.limit, end: false }
  known = new Map(rows.flatMap((row) => (row ? [[row.number, row] as const] : [])))
  batch(() => {
    current.value = { offset: message.offset, rows }
    total.value = message.total
    progress.value = { scanned: message.scanned, of: message.of }
    highlighted.value = new Set(message.highlighted)
    // Where nothing was found yet, it may be still.
    waiting.value = message.total === 0 && message.scanned < message.of
  })
  // A row that the server takes for known and that is not: all is asked for anew.
  if (rows.includes(undefined)) begin()
})

onMessage('refused', ({ list: of, which, message, at }) => {
  if (of !== list) return
  refused.value = { ...refused.value, [which]: { message, at } }
  waiting.value = false
})

/** The row at a place of the list, where it is in the window. */
export const rowAt = (index: number): Row | undefined => current.value.rows[index - current.value.offset]
