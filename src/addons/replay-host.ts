// The services of the proxy for the addons that replay flows.
import type { Flow } from '../flow/flow.js'
import type { HttpFlow } from '../flow/http.js'
import type { FlowRecord } from '../flow/record.js'
import type { Addon, LogLevel } from '../hooks.js'

/** The queue of requests that are sent again. */
export interface ReplayQueue {
  readonly count: number
  /** Throws ERR_REPLAY for a flow that cannot be replayed. */
  add(flow: Flow | FlowRecord): Promise<HttpFlow>
  /** Replays flows as they are read, and gives how many were sent and how many cannot be, with the first reason for that. */
  addAll(flows: AsyncIterable<FlowRecord>): Promise<{ sent: number; refused: number; reason: string | undefined }>
  stop(): void
}

export interface ReplayHost {
  readonly replays: ReplayQueue
  /** Reads a file of flows. Its iteration throws a MidwireError, which names the file, where that is wrong. */
  read(path: string): AsyncIterable<FlowRecord>
  /** Adds an addon behind the built-in ones that are always there; the returned function removes it. */
  attach(addon: Addon): () => void
  /** Counts work that the command stays for. */
  job(work: PromiseLike<unknown>): void
  log(level: LogLevel, message: string): void
}
