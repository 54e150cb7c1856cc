// What the list says where it is empty: that nothing matches, or how flows come to it, with the addresses that this proxy has.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get, type Modes, type State } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'

export function NoFlows({ filtered, onAll }: { filtered: boolean; onAll: () => void }) {
  return (
    <div class="empty">
      {filtered ? (
        <>
          <h2>No flow matches</h2>
          <p>
            New ones that match will be listed here.{' '}
            <button type="button" onClick={onAll}>
              Show all flows
            </button>
          </p>
        </>
      ) : (
        <>
          <h2>No flows yet</h2>
          <WaysIn />
        </>
      )}
    </div>
  )
}

type Mode = Modes['modes'][number]

const placesOf = ({ listeners }: Mode): string[] => [
  ...new Set(listeners.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)),
]

function WaysIn() {
  const modes = useSignal<readonly Mode[] | undefined>(undefined)
  const proxyUrl = useSignal<string | undefined>(undefined)
  const isOpen = connection.value === 'open'
  useEffect(() => {
    if (!isOpen) return
    const ends = [
      onMessage('modes', (message) => {
        void get<State>('/state').then(
          (state) => {
            proxyUrl.value = state.proxyUrl
            modes.value = message.modes.filter(({ state }) => state === 'running')
          },
          () => undefined,
        )
      }),
      followTopic('modes'),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [isOpen])
  const ways = modes.value?.filter(({ listeners }) => listeners.length > 0) ?? []
  return (
    <>
      <p>
        What passes midwire is listed here. <a href="/devices">Add a device</a>
        {proxyUrl.value ? ', or try it from a terminal:' : ', or see how it is reached in the '}
        {!proxyUrl.value && <a href="/setup">set-up</a>}
      </p>
      {proxyUrl.value && (
        <p>
          <code>curl -x {proxyUrl.value} http://example.org/</code>
        </p>
      )}
      {ways.length > 0 && (
        <ul class="ways" aria-label="Where midwire listens">
          {ways.map((mode) => (
            <li key={mode.spec}>
              {mode.name} at{' '}
              {placesOf(mode).map((place) => (
                <code key={place}>{place}</code>
              ))}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
