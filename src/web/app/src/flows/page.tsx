// The place of flows: the filter lines, the tree, the table, and the flow that is open beside it.
import { computed } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Sort } from '../../../api/schemas/row.js'
import { NO_VIEWS } from '../flow/view-address.js'
import { useKeys } from '../shell/keys.js'
import { later } from '../shell/later.js'
import { notice } from '../shell/notices.js'
import { setOption, textOf } from '../shell/options.js'
import { oneOf, remembered } from '../shell/remembered.js'
import { go, parts, path, query, setQuery, withQuery } from '../shell/router.js'
import { act, attempt, copy, MARKS } from './actions.js'
import { ColumnMenu } from './column-menu.js'
import { urlOf } from './columns.js'
import { FilterLine } from './filter-line.js'
import { hide, refused, rowAt, show, total, waiting, wanted } from './list.js'
import { NoFlows } from './no-flows.js'
import { clear, cursor, cursorRow, find, select, selected, selectedRows, step } from './selection.js'
import { Splitter, share } from './splitter.js'
import { StatusLine } from './status-line.js'
import { Table } from './table.js'
import { Tree } from './tree.js'
import { nextWaiting, useNextWaiting } from './waiting.js'

/** It stands in the address; this browser's last choice is for addresses that say nothing of it. */
const lastTree = remembered('tree', 'hidden', oneOf('shown', 'hidden'))
const tree = computed(() => query.value.get('tree') ?? lastTree.value)

/** The part of the flow that is shown stays, but for a comparison, which is of two flows. */
const open = (id: string) => {
  const part = parts.value[2]
  go(withQuery(path('flows', id, ...(part && part !== 'diff' ? [part] : []))))
}
const close = () => go(withQuery('/flows', NO_VIEWS))

/** The flow beside the list, whose script the list does not wait for. */
export const Pane = later(
  async () => (await import('../flow/pane.js')).FlowPane,
  ({ children }) => (
    <section class="pane" aria-label="Flow" aria-busy={children === undefined}>
      <div class="content">{children}</div>
    </section>
  ),
)

export function FlowsPage() {
  const filterInput = useRef<HTMLInputElement>(null)
  const page = useRef(1)
  const { filter, highlight, sort, reverse } = wanted.value
  const id = parts.value[1] ?? ''
  useEffect(() => show(wanted.value), [filter, highlight, sort, reverse])
  useEffect(() => hide, [])
  const isTree = tree.value === 'shown'
  useEffect(() => {
    // A user that is sent the address sees the tree, too.
    if (isTree) setQuery({ tree: 'shown' })
  }, [isTree, query.value.has('tree')])
  useEffect(() => find(id), [id])

  useNextWaiting(id, open)
  const toNextWaiting = () => {
    const next = nextWaiting(id)
    if (next) open(next)
  }

  // While a flow is open the keys of the table open the next one.
  const walk = (move: () => void) => () => {
    move()
    const row = cursorRow.value
    if (id && row) open(row.id)
  }
  const moves = (key: string, does: string, by: () => number) => [
    { key, does, run: walk(() => step(by(), false)) },
    { key: `Shift+${key}`, does: `${does}, and select`, run: walk(() => step(by(), true)) },
  ]
  const ids = () => selected.value
  useKeys('Flows', [
    { key: '/', does: 'Go to the filter', run: () => filterInput.current?.select() },
    ...moves('ArrowDown', 'Next flow', () => 1),
    ...moves('ArrowUp', 'Flow before', () => -1),
    ...moves('PageDown', 'A page down', () => page.current),
    ...moves('PageUp', 'A page up', () => -page.current),
    ...moves('Home', 'First flow', () => -total.value),
    ...moves('End', 'Last flow', () => total.value),
    { key: 'Enter', does: 'Open the flow', run: () => cursorRow.value && open(cursorRow.value.id) },
    { key: 'Escape', does: 'Close the flow, or select none', run: () => (id ? close() : clear()) },
    {
      key: 'Ctrl+c',
      does: 'Copy the URL',
      run: () => void copy(selectedRows.value.map(urlOf).join('\n'), selectedRows.value.length > 1 ? 'URLs' : 'URL'),
    },
    {
      key: 'm',
      does: 'Mark, or take the mark away',
      run: () => void act(ids(), 'mark', cursorRow.value?.marked ? '' : MARKS[0]),
    },
    { key: 'r', does: 'Send the request again', run: () => void act(ids(), 'replay') },
    { key: 'a', does: 'Let a flow that waits go on', run: () => void act(id ? [id] : ids(), 'resume') },
    { key: 'n', does: 'Go to the next flow that waits', run: toNextWaiting },
    { key: 'd', does: 'Compare the two flows that are selected', run: compare },
    { key: 'x', does: 'End a flow that runs', run: () => void act(ids(), 'kill') },
    { key: 'Delete', does: 'Delete', run: () => void act(ids(), 'delete') },
    { key: 'D', does: 'Copy the flow', run: () => void act(ids(), 'duplicate') },
    { key: 't', does: 'Show the tree, or hide it', run: toggleTree },
  ])

  const onSort = (column: Sort) => {
    const down = column === sort ? !reverse : false
    setQuery({ sort: column === 'number' ? '' : column, order: down ? 'down' : '' })
  }
  return (
    <div
      class="flows"
      data-open={id !== ''}
      data-tree={isTree}
      style={{ '--share': `${share.value}fr`, '--rest': `${100 - share.value}fr` }}
    >
      <h1 class="hidden">Flows</h1>
      <div class="lines" role="search" aria-label="Filters">
        <button type="button" aria-pressed={isTree} title="Tree (t)" onClick={toggleTree}>
          Tree
        </button>
        <FilterLine
          id="filter"
          label="Show"
          placeholder="Filter: ~d example.org & ~c 404"
          value={filter}
          refusal={refused.value.filter}
          input={filterInput}
          onChange={(text) => setQuery({ filter: text })}
        />
        <FilterLine
          id="highlight"
          label="Highlight"
          placeholder="~t json"
          value={highlight}
          refusal={refused.value.highlight}
          onChange={(text) => setQuery({ highlight: text })}
        />
        <InterceptLine />
        <ColumnMenu />
      </div>
      {isTree && <Tree filter={filter} onFilter={(text) => setQuery({ filter: text })} />}
      <div class="list">
        {total.value === 0 && !waiting.value ? (
          <NoFlows filtered={filter !== ''} onAll={() => setQuery({ filter: '' })} />
        ) : null}
        <Table
          sort={sort}
          reverse={reverse}
          onSort={onSort}
          page={page}
          onOpen={(index) => {
            select(index)
            const row = rowAt(index)
            if (row) open(row.id)
          }}
        />
      </div>
      {id && <Splitter />}
      {id && <Pane id={id} onClose={close} />}
      <StatusLine place={cursor.value} onCompare={compare} onWaiting={toNextWaiting} />
    </div>
  )
}

/** The first of them in the list is what the second is compared with. */
function compare() {
  const [one, other] = selected.value.size === 2 ? selectedRows.value : []
  if (one && other) go(withQuery(path('flows', one.id, 'diff', other.id)))
  else notice('Select two flows to compare them: Shift and an arrow, or Ctrl and a click')
}

function toggleTree() {
  lastTree.value = tree.value === 'shown' ? 'hidden' : 'shown'
  setQuery({ tree: lastTree.value })
}

/** Flows that match wait; it is the option `intercept`. */
function InterceptLine() {
  return (
    <FilterLine
      id="intercept"
      label="Intercept"
      placeholder="~m POST"
      value={textOf('intercept')}
      onChange={(text) => void attempt(() => setOption('intercept', text === '' ? null : text))}
    />
  )
}
