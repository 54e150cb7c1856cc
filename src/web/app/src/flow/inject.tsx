// A message that is sent in the name of one side of a WebSocket or a raw flow that runs.
import { useSignal } from '@preact/signals'
import { attempt } from '../flows/actions.js'
import { change, type Flow } from '../shell/api.js'

export function Inject({ flow }: { flow: Flow }) {
  const text = useSignal('')
  const to = useSignal<'server' | 'client'>('server')
  const send = () =>
    attempt(async () => {
      await change('POST', `/flows/${encodeURIComponent(flow.id)}/messages`, {
        to: to.value,
        content: { text: text.value },
      })
      text.value = ''
    })
  return (
    <form
      class="bar inject"
      aria-label="Send a message"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <select
        aria-label="Send to"
        value={to.value}
        onChange={(event) => {
          to.value = event.currentTarget.value === 'client' ? 'client' : 'server'
        }}
      >
        <option value="server">To the server</option>
        <option value="client">To the client</option>
      </select>
      <input
        type="text"
        aria-label="The message"
        placeholder="A message"
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value
        }}
      />
      <button type="submit">Send</button>
    </form>
  )
}
