// The tree of hosts and paths beside the list: what was asked for, and how often. A click filters the list by it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Answer, get } from '../shell/api.js'
import { count } from '../shell/format.js'
import { total } from './list.js'

interface Node {
  readonly name: string
  /** The filter that the node stands for. */
  readonly filter: string
  flows: number
  readonly below: Map<string, Node>
}

const PAGE = 1000
const MOST_PAGES = 20
const REFRESH_MILLISECONDS = 3_000
const MOST_LEVELS = 5

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\"]/g, '\\$&')

/** Hosts with their paths, level by level. */
export function treeOf(rows: readonly { host: string; path: string; type: string }[]): Map<string, Node> {
  const hosts = new Map<string, Node>()
  for (const { host, path, type } of rows) {
    if (type !== 'http' || host === '') continue
    const root = child(hosts, host, `~d "^${escaped(host)}$"`)
    root.flows += 1
    let level = root.below
    let prefix = ''
    const steps = (path.split('?')[0] ?? '').split('/').filter(Boolean).slice(0, MOST_LEVELS)
    for (const step of steps) {
      prefix += `/${step}`
      const node = child(level, `/${step}`, `${root.filter} & ~u "${escaped(host)}(:[0-9]+)?${escaped(prefix)}"`)
      node.flows += 1
      level = node.below
    }
  }
  return hosts
}

function child(level: Map<string, Node>, name: string, filter: string): Node {
  const found = level.get(name) ?? { name, filter, flows: 0, below: new Map() }
  level.set(name, found)
  return found
}

export function Tree({ filter, onFilter }: { filter: string; onFilter: (filter: string) => void }) {
  const hosts = useSignal<Map<string, Node>>(new Map())
  const cut = useSignal(false)
  const empty = total.value === 0
  useEffect(() => {
    let over = false
    let before = -1
    const load = async () => {
      const rows = []
      let all = 0
      for (let page = 0; page < MOST_PAGES && !over; page += 1) {
        const query = { sort: 'url', offset: page * PAGE, limit: PAGE }
        const answer = await get<Answer<'listFlows'>>('/flows', query)
        all = answer.total
        if (page === 0 && all === before) return
        rows.push(...answer.rows)
        if (rows.length >= all) break
      }
      before = all
      if (over) return
      hosts.value = treeOf(rows)
      cut.value = rows.length < all
    }
    const again = () => void load().catch(() => undefined)
    again()
    const timer = setInterval(again, REFRESH_MILLISECONDS)
    return () => {
      over = true
      clearInterval(timer)
    }
  }, [empty])
  return (
    <aside class="tree" aria-label="Hosts and paths">
      <button type="button" class="node" aria-pressed={filter === ''} onClick={() => onFilter('')}>
        All flows
      </button>
      <Level nodes={hosts.value} filter={filter} onFilter={onFilter} />
      {cut.value && <p class="faint">The first {count(PAGE * MOST_PAGES)} flows by address.</p>}
    </aside>
  )
}

interface LevelProps {
  readonly nodes: Map<string, Node>
  readonly filter: string
  readonly onFilter: (filter: string) => void
}

function Level({ nodes, filter, onFilter }: LevelProps) {
  return (
    <ul>
      {[...nodes.values()].map((node) => (
        <Branch key={node.name} node={node} filter={filter} onFilter={onFilter} />
      ))}
    </ul>
  )
}

function Branch({ node, filter, onFilter }: { node: Node } & Omit<LevelProps, 'nodes'>) {
  const open = useSignal(false)
  const has = node.below.size > 0
  return (
    <li>
      <div class="branch">
        <button
          type="button"
          class="icon twist"
          aria-label={`${open.value ? 'Close' : 'Open'} ${node.name}`}
          aria-expanded={open.value}
          disabled={!has}
          onClick={() => {
            open.value = !open.value
          }}
        >
          {has ? (open.value ? '▾' : '▸') : ''}
        </button>
        <button type="button" class="node" aria-pressed={filter === node.filter} onClick={() => onFilter(node.filter)}>
          <span>{node.name}</span>
          <small>{count(node.flows)}</small>
        </button>
      </div>
      {open.value && <Level nodes={node.below} filter={filter} onFilter={onFilter} />}
    </li>
  )
}
