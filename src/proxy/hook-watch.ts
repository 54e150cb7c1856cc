// Names the hook in which midwire stands still: a thread of its own looks at what the main one has marked, for nothing else runs there then.
import { Worker } from 'node:worker_threads'

/** Milliseconds after which the main thread tells the watching one that it is alive. */
const HEARTBEAT_MILLISECONDS = 1_000
/** Heartbeats that may fail to come before it is said. */
const PATIENCE = 5

/** What the two threads share, as places of an Int32Array: the hook that runs, the one that ran last (0: none), and the heartbeats. */
export const RUNNING = 0
export const LAST = 1
export const BEATS = 2

export interface WatchSettings {
  readonly marks: Int32Array
  readonly milliseconds: number
  readonly patience: number
}

/** A hook that is watched, as the thread is told of it; without a text it is gone. */
export type WatchedHook = readonly [id: number, text?: string]

export class HookWatch {
  readonly #marks = new Int32Array(new SharedArrayBuffer(12))
  readonly #texts = new Map<number, string>()
  #ids = 0
  #worker: Worker | undefined
  #heart: NodeJS.Timeout | undefined

  /** An id for a hook of an addon, for `enter`. `text`: what is said of it. */
  add(text: string): number {
    this.#ids += 1
    this.#texts.set(this.#ids, text)
    this.#worker?.postMessage([this.#ids, text] satisfies WatchedHook)
    return this.#ids
  }

  remove(id: number): void {
    this.#texts.delete(id)
    this.#worker?.postMessage([id] satisfies WatchedHook)
  }

  /** A hook begins; the answer goes to `leave`. Two stores, because each call of each hook comes by here. */
  enter(id: number): number {
    const before = this.#marks[RUNNING] as number
    this.#marks[RUNNING] = id
    this.#marks[LAST] = id
    return before
  }

  /** The hook has returned. */
  leave(before: number): void {
    this.#marks[RUNNING] = before
  }

  /** Begins to watch, with a thread that keeps nothing alive. It has begun already: does nothing. */
  start(milliseconds = HEARTBEAT_MILLISECONDS, patience = PATIENCE): void {
    if (this.#worker) return
    const workerData: WatchSettings = { marks: this.#marks, milliseconds, patience }
    // Node's own flags, such as --inspect, are for the main thread.
    const worker = new Worker(new URL('./hook-watch-thread.js', import.meta.url), { workerData, execArgv: [] })
    // Where there can be no thread, midwire goes on unwatched.
    worker.on('error', () => {})
    worker.unref()
    for (const [id, text] of this.#texts) worker.postMessage([id, text] satisfies WatchedHook)
    this.#worker = worker
    this.#heart = setInterval(() => {
      this.#marks[BEATS] = ((this.#marks[BEATS] as number) + 1) | 0
    }, milliseconds / 2).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#heart)
    await this.#worker?.terminate()
  }
}
