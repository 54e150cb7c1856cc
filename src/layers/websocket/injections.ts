// Messages of addons that wait for their turn in one direction of a WebSocket.
import type { WebSocketMessage } from '../../flow/websocket.js'
import { MAX_MESSAGE } from './reader.js'

/** The most messages that wait, and their bytes: as many as one message may have. */
const MAX_WAITING = 1_000
const MAX_WAITING_BYTES = MAX_MESSAGE

export class Injections {
  readonly #waiting: WebSocketMessage[] = []
  #bytes = 0
  /** A task sends those that wait. */
  isRunning = false
  /** Frames that wait for the end of the message that is being sent. */
  readonly #ready: { frame: Buffer; bytes: number }[] = []

  /** False where too many wait already. */
  add(message: WebSocketMessage): boolean {
    const bytes = this.#bytes + message.length
    if (this.#waiting.length + this.#ready.length >= MAX_WAITING || bytes > MAX_WAITING_BYTES) return false
    this.#bytes = bytes
    this.#waiting.push(message)
    return true
  }

  /** The oldest that waits for its hook. Its bytes count until `sent`. */
  next(): WebSocketMessage | undefined {
    return this.#waiting.shift()
  }

  /** Keeps a frame until the end of the message that is being sent. `bytes`: what its message counts. */
  wait(frame: Buffer, bytes: number): void {
    this.#ready.push({ frame, bytes })
  }

  /** The frames that have waited. */
  takeReady(): Buffer[] {
    return this.#ready.splice(0).map(({ frame, bytes }) => {
      this.sent(bytes)
      return frame
    })
  }

  /** So many bytes wait no more. */
  sent(bytes: number): void {
    this.#bytes -= bytes
  }
}
