// Counts the connections to each place, of all clients together. Where a place is full, the next connection waits for room.
import type { ServerConnection } from '../connection.js'

/** The connections that may lead to one place at once. Idle connections of the pool are among them. */
export const MAX_CONNECTIONS = 256

/** The connections that may wait for room at one place. */
export const MAX_WAITING = 1_024

/** Milliseconds that a connection waits for room. */
export const WAIT_MILLISECONDS = 30_000

/** Why there is no room for a connection. */
export class Crowded {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export class Places {
  readonly #counts = new Map<string, number>()
  /** The attempts that wait at each place, in their order. An attempt is made when there may be room, and answers whether it succeeded. */
  readonly #waiting = new Map<string, (() => boolean)[]>()
  /** The places at which an attempt is being made. An attempt may itself make room, and must not be made anew within itself. */
  readonly #attempting = new Set<string>()
  readonly #entered = new WeakMap<ServerConnection, string>()

  /** Counts one more connection to a place; false where the place is full. Followed by `opened`, or by `leave` if the connection fails. */
  enter(place: string): boolean {
    const count = this.#counts.get(place) ?? 0
    if (count >= MAX_CONNECTIONS) return false
    this.#counts.set(place, count + 1)
    return true
  }

  /** A connection that was counted is open: it counts until `gone`. */
  opened(place: string, connection: ServerConnection): void {
    this.#entered.set(connection, place)
  }

  /** A connection is over. The second call for a connection, and one for a connection that was not counted, do nothing. */
  gone(connection: ServerConnection): void {
    const place = this.#entered.get(connection)
    if (place === undefined) return
    this.#entered.delete(connection)
    this.leave(place)
  }

  /** Counts one connection less. */
  leave(place: string): void {
    const count = (this.#counts.get(place) ?? 0) - 1
    if (count > 0) this.#counts.set(place, count)
    else this.#counts.delete(place)
    this.changed(place)
  }

  /** There may be room: a connection has ended or lies idle. */
  changed(place: string): void {
    const waiting = this.#waiting.get(place)
    if (!waiting || this.#attempting.has(place)) return
    this.#attempting.add(place)
    while (waiting[0]?.()) waiting.shift()
    this.#attempting.delete(place)
    if (waiting.length === 0) this.#waiting.delete(place)
  }

  /**
   * Waits until `attempt` answers true. The attempts at one place are made in their order, whenever there may be room. The answer is
   * undefined then, or the reason why the wait was given up.
   */
  wait(place: string, attempt: () => boolean, signal: AbortSignal): Promise<Crowded | undefined> {
    const waiting = this.#waiting.get(place) ?? []
    const full = `${MAX_CONNECTIONS} connections to it are open`
    if (waiting.length >= MAX_WAITING) {
      return Promise.resolve(new Crowded(`${full}, and ${MAX_WAITING} wait for one of them to end`))
    }
    this.#waiting.set(place, waiting)
    return new Promise((resolve) => {
      const settle = (result: Crowded | undefined) => {
        clearTimeout(late)
        signal.removeEventListener('abort', cancel)
        resolve(result)
      }
      const entry = () => {
        const done = attempt()
        if (done) settle(undefined)
        return done
      }
      const giveUp = (message: string) => {
        waiting.splice(waiting.indexOf(entry), 1)
        if (waiting.length === 0) this.#waiting.delete(place)
        settle(new Crowded(message))
      }
      const cancel = () => giveUp('the attempt was given up')
      const late = setTimeout(
        () => giveUp(`${full}, and none of them has ended for ${WAIT_MILLISECONDS / 1000} s`),
        WAIT_MILLISECONDS,
      )
      waiting.push(entry)
      signal.addEventListener('abort', cancel)
    })
  }
}
