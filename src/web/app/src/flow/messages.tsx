// The messages of a WebSocket, a raw flow or a body, as they come.
import type { Message } from '../shell/api.js'
import { plural, size, time } from '../shell/format.js'
import { messages, totalMessages } from './open.js'

export function Messages() {
  const hidden = totalMessages.value - messages.value.length
  return (
    <section aria-label="Messages">
      <p class="faint">
        {plural(totalMessages.value, 'message')}
        {hidden > 0 && `, ${plural(hidden, 'earlier one')} not shown`}
      </p>
      <ol class="messages">
        {messages.value.map((message) => (
          <Line key={message.index} message={message} />
        ))}
      </ol>
    </section>
  )
}

function Line({ message }: { message: Message }) {
  const { fromClient, kind, length, timestamp, injected, dropped, event, text, base64 } = message
  const notes = [event, injected && 'injected', dropped && 'dropped'].filter(Boolean).join(', ')
  return (
    <li data-from={fromClient ? 'client' : 'server'}>
      <header>
        <b>{fromClient ? '↑ client' : '↓ server'}</b> {kind} {size(length)} <span class="faint">{time(timestamp)}</span>{' '}
        {notes}
      </header>
      <pre>{text ?? base64}</pre>
    </li>
  )
}
