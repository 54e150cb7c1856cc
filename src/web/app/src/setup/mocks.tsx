// The mocks of the page and of other programs that use the API: answers in the place of servers.
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt, copy } from '../flows/actions.js'
import { type Answer, change, get } from '../shell/api.js'
import { curlLine } from '../shell/command-line.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { plural } from '../shell/format.js'
import { Switch } from '../shell/switch.js'
import { MockForm } from './mock-form.js'
import { Sortable } from './sortable.js'

type Mocks = Answer<'listMocks'>
export type Mock = Mocks['mocks'][number]
export type NewMock = Pick<Mock, 'filter' | 'respond' | 'times'>

const mocks = signal<readonly Mock[]>([])

const load = () =>
  get<Mocks>('/mocks').then(
    (answer) => {
      mocks.value = answer.mocks
    },
    () => undefined,
  )

/** Does it, and shows the list as it is then. */
async function perform(action: () => Promise<unknown>): Promise<void> {
  await attempt(action)
  await load()
}

/** `times` is given always: without an end it is null. */
const changed = (id: string, given: NewMock) =>
  change('PATCH', `/mocks/${id}`, { ...given, times: given.times ?? null })

const commandOf = ({ filter, respond, times }: NewMock) => curlLine('POST', '/mocks', { filter, respond, times })

export function MocksSection() {
  const open = connection.value === 'open'
  const failure = useSignal('')
  useEffect(() => {
    if (!open) return
    void load()
    // The numbers in use change with what is recorded, and how often mocks were used with them.
    const ends = [followTopic('usage'), onMessage('usage', () => void load())]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  const add = async (given: NewMock) => {
    failure.value = ''
    try {
      await change('POST', '/mocks', given)
      await load()
      return true
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error)
      return false
    }
  }
  const order = (next: readonly Mock[]) => {
    mocks.value = next
    void perform(() => change('PUT', '/mocks/order', { ids: next.map(({ id }) => id) }))
  }
  return (
    <section class="rules" aria-labelledby="mocks">
      <header>
        <h2 id="mocks">Mocks</h2>
        <span class="faint">answer in the place of servers, until midwire ends</span>
      </header>
      {failure.value && (
        <p class="bad" role="alert">
          {failure.value}
        </p>
      )}
      {mocks.value.length > 0 && (
        <Sortable
          label="Mocks, in their order"
          items={mocks.value}
          keyOf={({ id }) => id}
          nameOf={({ filter }) => filter}
          isOff={({ enabled }) => !enabled}
          onOrder={order}
        >
          {(mock) => <MockView mock={mock} />}
        </Sortable>
      )}
      <MockForm onDone={add} />
    </section>
  )
}

function MockView({ mock }: { mock: Mock }) {
  const editing = useSignal(false)
  const failure = useSignal('')
  const { id, filter, respond, times, used, enabled } = mock
  const body =
    respond.json === undefined
      ? respond.content && 'text' in respond.content
        ? respond.content.text
        : ''
      : JSON.stringify(respond.json)
  if (editing.value)
    return (
      <div class="editing">
        {failure.value && (
          <p class="bad" role="alert">
            {failure.value}
          </p>
        )}
        <MockForm
          mock={mock}
          onCancel={() => (editing.value = false)}
          onDone={async (given) => {
            try {
              await changed(id, given)
              await load()
              editing.value = false
              return true
            } catch (error) {
              failure.value = error instanceof Error ? error.message : String(error)
              return false
            }
          }}
        />
      </div>
    )
  return (
    <>
      <Switch
        label={`Mock ${filter}`}
        on={enabled}
        onChange={(on) => void perform(() => change('PATCH', `/mocks/${id}`, { enabled: on }))}
      />
      <button type="button" class="quiet mock" title="Edit" onClick={() => (editing.value = true)}>
        <code>{filter}</code> <b>{respond.status ?? 200}</b> <span class="faint">{body}</span>
      </button>
      <span class="faint">
        {plural(used, 'time')}
        {times !== undefined && ` of ${times}`}
      </span>
      <button type="button" class="quiet" onClick={() => void copy(commandOf(mock), 'Command line')}>
        Copy as command line
      </button>
      <button
        type="button"
        class="icon remove"
        aria-label={`Remove ${filter}`}
        title="Remove"
        onClick={() => void perform(() => change('DELETE', `/mocks/${id}`))}
      >
        ×
      </button>
    </>
  )
}
