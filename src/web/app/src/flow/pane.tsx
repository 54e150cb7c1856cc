// One flow beside the table: what can be done with it, and its parts, each with an address of its own.
import { useEffect } from 'preact/hooks'
import { act, attempt, copy } from '../flows/actions.js'
import { type Flow, getText } from '../shell/api.js'
import { duration } from '../shell/format.js'
import { useKeys } from '../shell/keys.js'
import { oneOf, remembered } from '../shell/remembered.js'
import { go, parts, path, withQuery } from '../shell/router.js'
import { Diff } from './diff/view.js'
import { Edit } from './edit/form.js'
import { EditMessages } from './edit/messages-form.js'
import { Legs } from './legs.js'
import { RequestView, ResponseView } from './message.js'
import { Messages } from './messages.js'
import { flow, open } from './open.js'
import { Raw } from './raw.js'
import { Timing } from './timing.js'

const layout = remembered('layout', 'stacked', oneOf('stacked', 'beside'))

const COPIES = [
  ['curl', 'curl'],
  ['fetch', 'fetch'],
  ['httpie', 'HTTPie'],
  ['python-requests', 'Python'],
  ['raw', 'raw'],
] as const

interface Tab {
  readonly name: string
  readonly title: string
  readonly has: (flow: Flow) => boolean
}

const TABS: readonly Tab[] = [
  { name: 'http', title: 'HTTP', has: ({ request }) => request !== undefined },
  { name: 'dns', title: 'DNS', has: ({ query }) => query !== undefined },
  { name: 'messages', title: 'Messages', has: ({ messages }) => messages !== undefined },
  { name: 'timing', title: 'Timing', has: () => true },
  { name: 'connection', title: 'Connections', has: () => true },
  { name: 'raw', title: 'Raw', has: ({ request }) => request !== undefined },
  { name: 'edit', title: 'Edit', has: (flow) => hasRequestToEdit(flow) || hasMessagesToEdit(flow) },
  { name: 'diff', title: 'Comparison', has: () => parts.value[2] === 'diff' && parts.value[3] !== undefined },
]

const hasRequestToEdit = ({ request, upgrade, intercepted, waiting }: Flow) =>
  request !== undefined && !waiting && (upgrade === undefined || intercepted)

/** A user that edits one message after the other stays there until the next one waits. */
const hasMessagesToEdit = ({ waiting, live, type, upgrade }: Flow) =>
  waiting !== undefined ||
  (parts.value[2] === 'edit' && live && (type === 'tcp' || type === 'udp' || upgrade === 'websocket'))

export function FlowPane({ id, onClose }: { id: string; onClose: () => void }) {
  useEffect(() => open(id), [id])
  useEffect(() => () => open(''), [])
  const one = flow.value
  const tabs = one ? TABS.filter(({ has }) => has(one)) : []
  const current = tabs.find(({ name }) => name === parts.value[2]) ?? tabs[0]
  const show = (name: string) => go(withQuery(path('flows', id, name)), true)
  const turn = (by: number) => {
    const at = current ? tabs.indexOf(current) : 0
    const next = tabs[(at + by + tabs.length) % tabs.length]
    if (next) show(next.name)
  }
  useKeys('Flow', [
    { key: 'ArrowRight', does: 'Next part', run: () => turn(1) },
    { key: 'ArrowLeft', does: 'Part before', run: () => turn(-1) },
    { key: 'l', does: 'Request and response beside each other, or stacked', run: turnLayout },
    { key: 'e', does: 'Edit it, and send it again or let it go on', run: () => show('edit') },
    { key: 's', does: 'Search in what is shown', run: toSearch },
    { key: 'c', does: 'Copy as curl', run: () => void copyAs(id, 'curl', 'curl') },
  ])
  return (
    <section class="pane" aria-label="Flow">
      <header>
        <div class="bar" role="tablist" aria-label="Parts of the flow">
          {tabs.map(({ name, title }) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={name === current?.name}
              aria-controls="tab-panel"
              onClick={() => show(name)}
            >
              {title}
            </button>
          ))}
        </div>
        <button type="button" class="icon" aria-label="Close the flow" onClick={onClose}>
          ×
        </button>
      </header>
      {one && <Tools flow={one} />}
      <div
        id="tab-panel"
        class="content"
        role="tabpanel"
        tabIndex={0}
        aria-labelledby={current && `tab-${current.name}`}
      >
        {one === undefined && <p class="faint">Loading</p>}
        {one === null && <p class="faint">This flow is gone. It was deleted, or there was no more room for it.</p>}
        {one && current && <Part flow={one} name={current.name} />}
      </div>
    </section>
  )
}

/** The response's body first; from there to the request's, and back. */
function toSearch() {
  const fields = [...document.querySelectorAll<HTMLInputElement>('.pane .content input[type=search]')].reverse()
  const at = fields.indexOf(document.activeElement as HTMLInputElement)
  fields[(at + 1) % fields.length]?.select()
}

function turnLayout() {
  layout.value = layout.value === 'beside' ? 'stacked' : 'beside'
}

const copyAs = (id: string, format: string, label: string) =>
  attempt(async () => copy(await getText(`/flows/${encodeURIComponent(id)}/export`, { format }), label))

/** How long it took; of one that is not over, whether it waits for us. */
function stateOf({ createdAt, endedAt, intercepted }: Flow): string {
  if (endedAt !== undefined) return duration(endedAt - createdAt)
  return intercepted ? 'waits' : 'runs'
}

function Tools({ flow: one }: { flow: Flow }) {
  const does = (action: Parameters<typeof act>[1]) => () => void act([one.id], action)
  return (
    <div class="bar tools">
      {one.intercepted && (
        <button type="button" class="main" onClick={does('resume')}>
          Go on
        </button>
      )}
      {one.live && !one.intercepted && (
        <button type="button" title="Wait at the next step" onClick={does('intercept')}>
          Hold
        </button>
      )}
      {one.live && (
        <button type="button" onClick={does('kill')}>
          End
        </button>
      )}
      {one.request && (
        <button type="button" onClick={does('replay')}>
          Send again
        </button>
      )}
      {one.request && (
        <button type="button" aria-pressed={layout.value === 'beside'} title="Layout (l)" onClick={turnLayout}>
          Side by side
        </button>
      )}
      {one.modified && (
        <button type="button" onClick={does('revert')}>
          Revert
        </button>
      )}
      {one.request && (
        <select
          aria-label="Copy as"
          value=""
          onChange={(event) => {
            const found = COPIES.find(([format]) => format === event.currentTarget.value)
            event.currentTarget.value = ''
            if (found) void copyAs(one.id, found[0], found[1])
          }}
        >
          <option value="">Copy as</option>
          {COPIES.map(([format, label]) => (
            <option key={format} value={format}>
              {label}
            </option>
          ))}
        </select>
      )}
      <span class="faint">{stateOf(one)}</span>
    </div>
  )
}

function Part({ flow: one, name }: { flow: Flow; name: string }) {
  if (name === 'timing') return <Timing flow={one} />
  if (name === 'connection') return <Legs flow={one} />
  if (name === 'messages') return <Messages key={one.id} flow={one} />
  if (name === 'raw') return <Raw key={one.id} flow={one} />
  if (name === 'edit')
    return hasRequestToEdit(one) ? <Edit key={one.id} flow={one} /> : <EditMessages key={one.id} flow={one} />
  if (name === 'diff') return <Diff key={one.id} flow={one} other={parts.value[3] ?? ''} />
  if (name === 'dns')
    return (
      <pre class="lines-of">
        {[one.query?.text, one.answer?.text ?? one.error?.message].filter(Boolean).join('\n\n')}
      </pre>
    )
  return (
    <div class="pair" data-layout={layout.value}>
      {one.request && <RequestView key={`${one.id} request`} flow={one} request={one.request} />}
      <ResponseView key={`${one.id} response`} flow={one} response={one.response} />
    </div>
  )
}
