// Two flows compared: their requests and responses line by line, heads and bodies as views show them.
import './diff.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Answer, type Flow, get } from '../../shell/api.js'
import { plural } from '../../shell/format.js'
import { path } from '../../shell/router.js'
import { textOf } from '../lines.js'
import { type Change, changesOf } from './changes.js'

/** Lines of each body that are compared. */
const LINES = 5_000
/** Lines of what is the same that are shown around what is not. */
const AROUND = 3

interface Section {
  readonly title: string
  readonly changes: readonly Change[]
}

const bodyOf = async ({ id }: Flow, part: 'request' | 'response'): Promise<string[]> =>
  (await get<Answer<'viewContent'>>(`/flows/${encodeURIComponent(id)}/${part}/view`, { lines: LINES })).lines.map(
    textOf,
  )

async function linesOf(flow: Flow, part: 'request' | 'response') {
  const { request, response } = flow
  const message = flow[part]
  if (!request || !message) return { head: [], body: [] }
  const first =
    part === 'request'
      ? `${request.method} ${request.url} HTTP/${request.version}`
      : `${response?.status} ${response?.reason} HTTP/${response?.version}`.replace('  ', ' ')
  const head = [first, ...message.headers.map(([name, value]) => `${name}: ${value}`)]
  return { head, body: message.body.recorded > 0 ? await bodyOf(flow, part) : [] }
}

async function compare(one: Flow, other: Flow): Promise<Section[]> {
  const sections: Section[] = []
  for (const [part, name] of [
    ['request', 'Request'],
    ['response', 'Response'],
  ] as const) {
    const [before, after] = await Promise.all([linesOf(one, part), linesOf(other, part)])
    sections.push({ title: name, changes: changesOf(before.head, after.head) })
    if (before.body.length + after.body.length > 0)
      sections.push({ title: `${name} body`, changes: changesOf(before.body, after.body) })
  }
  return sections
}

export function Diff({ flow, other }: { flow: Flow; other: string }) {
  const sections = useSignal<readonly Section[] | undefined>(undefined)
  const second = useSignal<Flow | undefined>(undefined)
  const failure = useSignal('')
  useEffect(() => {
    let over = false
    const load = async () => {
      const found = await get<Flow>(`/flows/${encodeURIComponent(other)}`)
      const compared = await compare(flow, found)
      if (over) return
      second.value = found
      sections.value = compared
      failure.value = ''
    }
    load().catch((error: Error) => {
      if (!over) failure.value = error.message
    })
    return () => {
      over = true
    }
  }, [flow.id, flow.response?.endedAt, flow.modified, other])
  return (
    <section class="diff" aria-label="Comparison">
      {failure.value && <p class="bad">{failure.value}</p>}
      {second.value && (
        <p class="between">
          <span data-kind="gone">− {nameOf(flow)}</span>
          <span data-kind="new">
            + <a href={path('flows', second.value.id)}>{nameOf(second.value)}</a>
          </span>
        </p>
      )}
      {sections.value?.map((section) => (
        <SectionView key={section.title} section={section} />
      ))}
    </section>
  )
}

const nameOf = ({ number, request, id }: Flow) =>
  `${number === undefined ? id.slice(0, 8) : `#${number}`} ${request ? `${request.method} ${request.path}` : ''}`

function SectionView({ section: { title, changes } }: { section: Section }) {
  const gone = changes.filter(({ kind }) => kind === 'gone').length
  const added = changes.filter(({ kind }) => kind === 'new').length
  return (
    <>
      <h2>
        {title} {gone + added === 0 ? <span class="faint">the same</span> : <Counts gone={gone} added={added} />}
      </h2>
      {gone + added > 0 && <pre class="lines-of">{runsOf(changes).map(shownRun)}</pre>}
    </>
  )
}

const Counts = ({ gone, added }: { gone: number; added: number }) => (
  <>
    <span data-kind="gone">−{gone}</span> <span data-kind="new">+{added}</span>
  </>
)

interface Run {
  readonly changes: readonly Change[]
  readonly isFar: boolean
}

/** What is near a change, and what is far from all. */
function runsOf(changes: readonly Change[]): Run[] {
  const near = new Set<number>()
  changes.forEach(({ kind }, at) => {
    if (kind !== 'same') for (let by = -AROUND; by <= AROUND; by += 1) near.add(at + by)
  })
  const runs: { changes: Change[]; isFar: boolean }[] = []
  changes.forEach((change, at) => {
    const isFar = !near.has(at)
    const last = runs.at(-1)
    if (last?.isFar === isFar) last.changes.push(change)
    else runs.push({ changes: [change], isFar })
  })
  return runs
}

const SIGNS = { same: ' ', gone: '−', new: '+' } as const

const shownRun = ({ changes, isFar }: Run, at: number) =>
  isFar ? (
    <details key={at}>
      <summary>{plural(changes.length, 'line')} the same</summary>
      {changes.map(shownChange)}
    </details>
  ) : (
    changes.map(shownChange)
  )

const shownChange = ({ kind, text }: Change, at: number) => (
  <div key={at} class="change" data-kind={kind}>
    <i aria-hidden="true">{SIGNS[kind]}</i>
    {kind !== 'same' && <span class="unseen">{kind === 'gone' ? 'gone: ' : 'new: '}</span>}
    {text}
  </div>
)
