// The messages of a WebSocket, a raw flow or a body, as they come: a line each, that opens to the message as views show it.
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Flow, Message } from '../shell/api.js'
import { count, plural, size, time } from '../shell/format.js'
import { go, path, withQuery } from '../shell/router.js'
import { Body } from './body.js'
import { Inject } from './inject.js'
import { messages, totalMessages } from './open.js'

/** Lines that are shown at first, and so many more at a time. */
const SHOWN = 300
/** Characters of a line. */
const PREVIEW = 300

export function Messages({ flow }: { flow: Flow }) {
  const needle = useSignal('')
  const most = useSignal(SHOWN)
  const list = useRef<HTMLOListElement>(null)
  const wanted = needle.value.toLowerCase()
  const waiting = flow.waiting ?? []
  const all = [...messages.value, ...waiting]
  const matching =
    wanted === '' ? all : all.filter(({ text, event }) => `${event ?? ''} ${text ?? ''}`.toLowerCase().includes(wanted))
  const shown = matching.slice(-most.value)
  const last = shown.at(-1)?.index ?? -1
  // Those that come are followed while the end is seen.
  const follows = useRef(true)
  useLayoutEffect(() => {
    const scroller = list.current?.closest('.content')
    if (scroller && follows.current && flow.live) scroller.scrollTop = scroller.scrollHeight
    const onScroll = () => {
      if (scroller) follows.current = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 40
    }
    scroller?.addEventListener('scroll', onScroll)
    return () => scroller?.removeEventListener('scroll', onScroll)
  }, [last])
  const facts = flow.messages
  const hidden = matching.length - shown.length
  const forgotten = messages.value[0]?.index ?? 0
  return (
    <section class="conversation" aria-label="Messages">
      <div class="bar">
        <input
          type="search"
          aria-label="Search in the messages"
          placeholder="Search"
          value={needle.value}
          onInput={(event) => {
            needle.value = event.currentTarget.value
          }}
        />
        <span class="faint" role="status">
          {wanted === ''
            ? plural(totalMessages.value, 'message')
            : `${count(matching.length)} of ${plural(all.length, 'message')}`}
          {facts && `, ↑ ${size(facts.bytesFromClient)} ↓ ${size(facts.bytesFromServer)}`}
          {facts?.truncated && ', not all were recorded'}
          {forgotten > 0 && `, ${plural(forgotten, 'earlier one')} not shown`}
        </span>
        {flow.live && <span class="running">runs</span>}
      </div>
      {hidden > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            follows.current = false
            most.value += SHOWN
          }}
        >
          Show earlier ones ({count(hidden)})
        </button>
      )}
      <ol ref={list} class="messages">
        {shown.map((message) => (
          <Line key={message.index} flow={flow} message={message} waits={waiting.includes(message)} />
        ))}
      </ol>
      {waiting.length > 0 && (
        <p>
          {waiting.length === 1 ? 'A message waits.' : `${count(waiting.length)} messages wait.`}{' '}
          <button type="button" title="Edit (e)" onClick={() => go(withQuery(path('flows', flow.id, 'edit')), true)}>
            {waiting.length === 1 ? 'Edit it' : 'Edit them'}
          </button>
        </p>
      )}
      {!flow.live && facts?.closeCode !== undefined && (
        <p class="faint">
          Closed by the {facts.closedByClient ? 'client' : 'server'}: {facts.closeCode} {facts.closeReason}
        </p>
      )}
      {flow.live && (flow.type !== 'http' || flow.upgrade === 'websocket') && <Inject flow={flow} />}
    </section>
  )
}

function Line({ flow, message, waits }: { flow: Flow; message: Message; waits: boolean }) {
  const isOpen = useSignal(false)
  const { index, fromClient, kind, length, timestamp, injected, dropped, event, text, base64 } = message
  const notes = [event, waits && 'waits', injected && 'injected', dropped && 'dropped'].filter(Boolean).join(', ')
  return (
    <li data-from={fromClient ? 'client' : 'server'}>
      <details
        onToggle={(toggled) => {
          isOpen.value = toggled.currentTarget.open
        }}
      >
        <summary>
          <b title={fromClient ? 'from the client' : 'from the server'}>{fromClient ? '↑' : '↓'}</b>
          <span class="unseen">{fromClient ? 'from the client' : 'from the server'}</span>
          <code>{(text ?? base64 ?? '').slice(0, PREVIEW)}</code>
          {notes && <em>{notes}</em>}
          <span class="faint">
            {kind} {size(length)}
          </span>
          <time class="faint">{time(timestamp)}</time>
        </summary>
        {isOpen.value && (
          <Body
            shown="message"
            path={`/flows/${encodeURIComponent(flow.id)}/messages/${index}`}
            name={`message ${index + 1}`}
            length={length}
            recorded={length}
            version=""
          />
        )}
      </details>
    </li>
  )
}
