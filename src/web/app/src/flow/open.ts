// The flow that is open, as the server keeps it up: the flow itself, and its messages as they come.
import { batch, signal } from '@preact/signals'
import type { Flow, Message } from '../shell/api.js'
import { follow, onMessage } from '../shell/connection.js'

/** Undefined while it is waited for; null where there is none of that id. */
export const flow = signal<Flow | null | undefined>(undefined)
export const messages = signal<readonly Message[]>([])
export const totalMessages = signal(0)

/** Messages that are kept in the page; those before them are forgotten here, and not by midwire. */
const MOST_MESSAGES = 5_000

let id = ''

/** Follows a flow; the empty text ends it. */
export function open(next: string): void {
  if (next === id) return
  id = next
  batch(() => {
    flow.value = undefined
    messages.value = []
    totalMessages.value = 0
  })
  const nothing = { type: 'open', id: null } as const
  follow('open', next === '' ? undefined : { type: 'open', id: next }, nothing)
}

onMessage('flow', (message) => {
  if (message.id !== id) return
  batch(() => {
    flow.value = message.flow ?? null
    totalMessages.value = message.totalMessages
    if (message.messages.length === 0) return
    // A new connection tells them from the first on.
    const first = message.messages[0]?.index ?? 0
    const before = messages.value.filter(({ index }) => index < first)
    messages.value = [...before, ...message.messages].slice(-MOST_MESSAGES)
  })
})
