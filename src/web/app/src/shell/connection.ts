// The one WebSocket to the server: it connects again by itself, says anew what is followed, and the page says how that stands.
import { signal } from '@preact/signals'
import type { UPDATES_PATH } from '../../../api/index.js'
import type { ClientMessage, ServerMessage } from '../../../api/updates.js'
import { get, locked } from './api.js'
import { notice } from './notices.js'

const path: typeof UPDATES_PATH = '/api/updates'

/** `locked`: a midwire answers that does not know this browser, since it was started anew. */
export type ConnectionState = 'connecting' | 'open' | 'lost' | 'locked'

export const connection = signal<ConnectionState>('connecting')

const LONGEST_PAUSE_MILLISECONDS = 5_000

type Topics = Extract<ClientMessage, { type: 'topics' }>['topics']
export type Received<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>
type Listener = (message: ServerMessage) => void

const listeners = new Map<string, Set<Listener>>()
/** What is said again on each new connection, by its type. */
const followed = new Map<string, ClientMessage>()
const topics = new Map<Topics[number], number>()

let socket: WebSocket | undefined
let pause = 500
let timer: ReturnType<typeof setTimeout> | undefined

/** Characters of a message that may stand in the address. */
const MOST_IN_ADDRESS = 2_000

/** Connects, and again after each loss: at first soon, then every 5 seconds. The list is asked for in the address, and so needs not wait for the answer. */
export function connect(): void {
  clearTimeout(timer)
  timer = undefined
  const list = followed.get('list')
  const said = `?first=${encodeURIComponent(JSON.stringify(list) ?? '')}`
  const isSaid = list !== undefined && said.length <= MOST_IN_ADDRESS
  socket = new WebSocket(
    `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}${isSaid ? said : ''}`,
  )
  socket.onopen = () => {
    pause = 500
    if (connection.value !== 'connecting') notice('Connected again')
    connection.value = 'open'
    for (const message of followed.values()) if (!isSaid || message !== list) tell(message)
  }
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data) as ServerMessage
    for (const listener of listeners.get(message.type) ?? []) listener(message)
  }
  socket.onclose = () => {
    void explain()
    timer = setTimeout(connect, pause)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS)
  }
}

/** A WebSocket does not say why it was refused; a request does. */
async function explain(): Promise<void> {
  if (connection.value !== 'locked') connection.value = 'lost'
  await get('/usage').catch(() => undefined)
  if (socket?.readyState !== WebSocket.OPEN) connection.value = locked.value ? 'locked' : 'lost'
}

/** Does not wait for the pause to end. While a socket is open or being opened, nothing happens. */
export function connectNow(): void {
  if (timer === undefined) return
  pause = 500
  connect()
}

addEventListener('online', connectNow)
// A person that comes back from another window may have signed in there.
addEventListener('focus', connectNow)

function tell(message: ClientMessage): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

/** What is said on each connection to come. */
export function remember(message: ClientMessage): void {
  followed.set(message.type, message)
}

/** Says what is followed, now and on each connection to come; undefined for nothing any more, which `end` says. */
export function follow(type: ClientMessage['type'], message: ClientMessage | undefined, end?: ClientMessage): void {
  if (message) remember(message)
  else followed.delete(type)
  const now = message ?? end
  if (now) tell(now)
}

/** Said once: a window that has moved. */
export const say = tell

/** Calls `listener` with each message of a type until the returned function is called. */
export function onMessage<Type extends ServerMessage['type']>(
  type: Type,
  listener: (message: Received<Type>) => void,
): () => void {
  const all = listeners.get(type) ?? new Set()
  listeners.set(type, all)
  all.add(listener as Listener)
  return () => all.delete(listener as Listener)
}

/** Follows a topic until the returned function is called; several parts of the page may follow the same. */
export function followTopic(topic: Topics[number]): () => void {
  const add = (by: number) => {
    const followers = (topics.get(topic) ?? 0) + by
    topics.set(topic, followers)
    if (followers !== (by === 1 ? 1 : 0)) return
    follow('topics', { type: 'topics', topics: [...topics.keys()].filter((one) => topics.get(one)) })
  }
  add(1)
  return () => add(-1)
}
