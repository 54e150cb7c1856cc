// The one WebSocket to the server: it connects again by itself, and the page says how that stands.
import { signal } from '@preact/signals'

export type ConnectionState = 'connecting' | 'open' | 'lost'

export const connection = signal<ConnectionState>('connecting')

const LONGEST_PAUSE_MILLISECONDS = 10_000

let pause = 500
let timer: ReturnType<typeof setTimeout> | undefined

/** Connects, and again after each loss: at first soon, then every 10 seconds. */
export function connect(): void {
  clearTimeout(timer)
  timer = undefined
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/updates`)
  socket.onopen = () => {
    pause = 500
    connection.value = 'open'
  }
  socket.onclose = () => {
    connection.value = 'lost'
    timer = setTimeout(connect, pause)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS)
  }
}

/** Does not wait for the pause to end. While a socket is open or being opened, nothing happens. */
export function connectNow(): void {
  if (timer === undefined) return
  pause = 500
  connect()
}

addEventListener('online', connectNow)
