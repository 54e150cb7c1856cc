// The ways in: modes that run or have failed, and a form for one more.
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt, copy } from '../flows/actions.js'
import { type Answer, address, change, get, type Modes } from '../shell/api.js'
import { quoted } from '../shell/command-line.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'

const known = signal<Modes>({ modes: [], kinds: [] })

export function SetupPage() {
  const open = connection.value === 'open'
  useEffect(() => {
    if (!open) return
    void get<Modes>('/modes').then(
      (answer) => {
        known.value = answer
      },
      () => undefined,
    )
    const ends = [
      followTopic('modes'),
      onMessage('modes', ({ modes, kinds }) => {
        known.value = { modes, kinds }
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  const { modes } = known.value
  const line = `midwire ${modes.map(({ spec }) => `--mode ${quoted(spec)}`).join(' ')}`
  return (
    <>
      <h1>Set-up</h1>
      <div class="bar">
        <h2>Modes</h2>
        <button type="button" class="quiet" onClick={() => void copy(line, 'Command line')}>
          Copy as command line
        </button>
      </div>
      <ul class="cards">
        {modes.map((mode) => (
          <Card key={mode.spec} mode={mode} />
        ))}
        <NewMode />
      </ul>
    </>
  )
}

function Card({ mode: { spec, name, state, error, listeners } }: { mode: Modes['modes'][number] }) {
  const kind = known.value.kinds.find((one) => one.name === name)
  const again = () => attempt(() => change<Answer<'addMode'>>('POST', '/modes', { spec }))
  const remove = () => attempt(() => change('DELETE', address('/modes', { spec })))
  return (
    <li data-state={state}>
      <h3>{spec}</h3>
      <p class="faint">{kind?.description}</p>
      <p>
        {state}
        {listeners.map(({ host, port, transport }) => (
          <code key={`${transport} ${host} ${port}`}>
            {' '}
            {host.includes(':') ? `[${host}]` : host}:{port}/{transport}
          </code>
        ))}
      </p>
      {error && <p class="bad">{error}</p>}
      <div class="bar">
        {state === 'failed' && (
          <button type="button" onClick={() => void again()}>
            Try again
          </button>
        )}
        <button type="button" onClick={() => void remove()}>
          Switch off
        </button>
      </div>
    </li>
  )
}

function NewMode() {
  const name = useSignal('regular')
  const data = useSignal('')
  const place = useSignal('')
  const { kinds } = known.value
  const kind = kinds.find((one) => one.name === name.value)
  const spec = `${name.value}${data.value && `:${data.value}`}${place.value && `@${place.value}`}`
  return (
    <li>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void attempt(() => change('POST', '/modes', { spec }))
        }}
      >
        <h3>One more</h3>
        <label>
          Mode{' '}
          <select
            value={name.value}
            onChange={(event) => {
              name.value = event.currentTarget.value
            }}
          >
            {kinds.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        </label>
        <p class="faint">{kind?.description}</p>
        {kind?.data && (
          <label title={kind.data.help}>
            To{' '}
            <input
              placeholder={kind.data.placeholder}
              value={data.value}
              onInput={(event) => {
                data.value = event.currentTarget.value
              }}
            />
          </label>
        )}
        <label>
          Listens on{' '}
          <input
            placeholder={String(kind?.defaultPort ?? '')}
            value={place.value}
            onInput={(event) => {
              place.value = event.currentTarget.value
            }}
          />
        </label>
        <p>
          <button type="submit">Switch on</button> <code>--mode {spec}</code>
        </p>
      </form>
    </li>
  )
}
