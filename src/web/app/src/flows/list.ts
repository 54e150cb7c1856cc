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

/** Rows that are asked for above and below those that are seen. */
const MARGIN = 120
const MOST_ROWS = 1000

interface Window {
  readonly offset: number
  readonly rows: readonly (Row | undefined)[]
}

export const current = signal<Window>({ offset: 0, rows: [] })
export const total = signal(0)
export const progress = signal({ scanned: 0, of: 0 })
export const highlighted = signal<ReadonlySet<number>>(new Set())
export const refused = signal<{ filter?: Refusal | undefined; highlight?: Refusal | undefined }>({})
/** True until the first rows of a list have come. */
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
let asked = { offset: 0, limit: 300 }

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
  if (query && query.filter !== next.filter) asked = { ...asked, offset: 0 }
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

/** Says which rows are seen. The window is moved when they come near its edge. */
export function look(first: number, last: number): void {
  const inside = first >= asked.offset + (asked.offset > 0 ? 20 : 0) && last <= asked.offset + asked.limit - 20
  if (inside) return
  const offset = Math.max(0, first - MARGIN)
  asked = { offset, limit: Math.min(MOST_ROWS, last - offset + MARGIN) }
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
  known = new Map(rows.flatMap((row) => (row ? [[row.number, row] as const] : [])))
  batch(() => {
    current.value = { offset: message.offset, rows }
    total.value = message.total
    progress.value = { scanned: message.scanned, of: message.of }
    highlighted.value = new Set(message.highlighted)
    waiting.value = false
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
