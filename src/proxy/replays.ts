// Client replay: the queue of recorded requests that are sent again, in their order, one after the other or many at once.
import { randomUUID } from 'node:crypto'
import type { ClientConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { Flow } from '../flow/flow.js'
import type { HttpFlow } from '../flow/http.js'
import type { FlowRecord, HttpRecord } from '../flow/record.js'
import { snapshot } from '../flow/snapshot.js'
import type { Hop } from '../flow/via.js'
import type { Replay } from '../layers/entrance.js'
import type { Arrival, RunningMode } from '../modes/mode.js'
import { noReceiver, type Transport } from '../transports/transport.js'

/** Requests that wait for their turn. More are refused. */
const MAX_WAITING = 10_000

/** Requests of a file that wait for their turn; the file is read on when there are fewer. */
const MAX_READ_AHEAD = 100

/** Requests that are under way at once where `client_replay_concurrency` is -1. A place takes 256 connections (`places.ts`). */
const MAX_AT_ONCE = 256

/** The proxy, as the queue needs it. */
export interface ReplayHost {
  /** Sends a request. Fulfilled when its flow is over. */
  send(arrival: Arrival & { readonly client: ClientConnection }): Promise<void>
  /** The modes that run. */
  modes(): readonly RunningMode[]
  /** The value of `client_replay_concurrency`. */
  concurrency(): number
}

interface Waiting {
  readonly record: HttpRecord
  readonly via: readonly Hop[] | undefined
  readonly resolve: (flow: HttpFlow) => void
  readonly reject: (error: Error) => void
}

export class Replays {
  readonly #host: ReplayHost
  #waiting: Waiting[] = []
  #underWay = 0
  /** Those that read a file, and wait until fewer requests wait. */
  #readers: (() => void)[] = []
  #started = false
  #closed = false
  /** Goes up with each `stop()`, which also ends the reading of files. */
  #stops = 0
  /** Requests that were refused because too many waited. */
  dropped = 0

  constructor(host: ReplayHost) {
    this.#host = host
  }

  /** The requests that wait or are under way. */
  get count(): number {
    return this.#waiting.length + this.#underWay
  }

  /** The proxy listens: what waits may begin. */
  start(): void {
    this.#started = true
    this.#next()
  }

  /**
   * Sends the request of a flow again, when it is its turn. The promise gives the new flow once that is over, with `error` where it has
   * failed; it rejects with ERR_REPLAY where the request waits no more, because of `stop()` or the proxy's end. Throws ERR_REPLAY for a flow that
   * cannot be replayed.
   */
  add(source: Flow | FlowRecord): Promise<HttpFlow> {
    const record = replayable(source)
    if (this.#closed) throw refusal('midwire was closed')
    if (this.#waiting.length >= MAX_WAITING) {
      this.dropped += 1
      throw refusal(`${MAX_WAITING} requests wait to be replayed already`)
    }
    const via = source instanceof Flow ? source.via : undefined
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, via, resolve, reject })
      this.#next()
    })
  }

  /** The same for several: where one of them cannot be replayed, none is sent. */
  async addEach(sources: readonly (Flow | FlowRecord)[]): Promise<HttpFlow[]> {
    for (const source of sources) replayable(source)
    return Promise.all(sources.map((source) => this.add(source)))
  }

  /**
   * Replays flows as they are read. Gives the numbers of those that were sent and of those that cannot be replayed, and the first reason
   * for that, once all are over. Rejects where reading fails; the flows before that are replayed.
   */
  async addAll(
    flows: AsyncIterable<FlowRecord>,
  ): Promise<{ sent: number; refused: number; reason: string | undefined }> {
    const stops = this.#stops
    const under: Promise<unknown>[] = []
    let refused = 0
    let reason: string | undefined
    try {
      for await (const record of flows) {
        while (this.#waiting.length >= MAX_READ_AHEAD && !this.#closed) {
          await new Promise<void>((resolve) => this.#readers.push(resolve))
        }
        if (this.#closed || this.#stops !== stops) break
        try {
          under.push(this.add(record).catch(() => {}))
        } catch (error) {
          refused += 1
          reason ??= (error as Error).message
        }
      }
    } finally {
      await Promise.all(under)
    }
    return { sent: under.length, refused, reason }
  }

  /** Forgets all requests that wait. Those that are under way go on. */
  stop(): void {
    this.#stops += 1
    this.#forget('the replay was stopped')
  }

  close(): void {
    this.#closed = true
    this.#forget('midwire was closed')
  }

  #forget(why: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(refusal(why))
    for (const read of this.#readers.splice(0)) read()
  }

  #next(): void {
    const limit = this.#host.concurrency() === -1 ? MAX_AT_ONCE : 1
    while (this.#started && this.#underWay < limit) {
      const next = this.#waiting.shift()
      if (!next) break
      this.#underWay += 1
      void this.#send(next)
    }
    if (this.#waiting.length < MAX_READ_AHEAD) this.#readers.shift()?.()
  }

  async #send({ record, via, resolve, reject }: Waiting): Promise<void> {
    const client = { ...record.client, id: randomUUID() }
    let flow: HttpFlow | undefined
    const replay: Replay = {
      request: record.request,
      server: record.server,
      via,
      began(begun) {
        flow = begun
      },
    }
    const way = wayOf(client.mode, this.#host.modes())
    await this.#host.send({
      ...{ transport: 'tcp', source: client.remote, destination: client.local, peer: client.peer, client },
      entrance: { layer: 'replay', replay, ...(way && { via: way }) },
      accept: () => ({ ...NOBODY }),
      refuse() {},
    })
    this.#underWay -= 1
    if (flow) resolve(flow)
    else reject(refusal('midwire was closed'))
    this.#next()
  }
}

/** The proxies by which a request of that mode leaves: those of the mode, or, where it does not run, of the only one that does. */
function wayOf(name: string, modes: readonly RunningMode[]): readonly Hop[] | undefined {
  const mode = modes.find(({ spec }) => spec.shown === name) ?? (modes.length === 1 ? modes[0] : undefined)
  return mode?.via ?? mode?.spec.via
}

/** The record of a flow whose request can be sent again. Throws ERR_REPLAY. */
function replayable(source: Flow | FlowRecord): HttpRecord {
  const record = source instanceof Flow ? snapshot(source as HttpFlow) : source
  if (record.type !== 'http') throw refusal(`only HTTP can be replayed, and this flow is ${record.type.toUpperCase()}`)
  const { request, upgrade, websocket } = record
  const { length, stored } = request.body
  if (websocket || request.protocol !== undefined || upgrade === 'websocket')
    throw refusal('a WebSocket cannot be replayed')
  if (request.method === 'CONNECT') throw refusal('a CONNECT cannot be replayed')
  if (upgrade !== undefined) throw refusal('a request that switched to another protocol cannot be replayed')
  if (source instanceof Flow && source.live && request.endedAt === undefined) {
    throw refusal('the request has not come whole yet')
  }
  if (stored.size < length) {
    throw refusal(
      `of the request's body ${stored.size} of ${length} bytes were recorded: body_record_limit and store_streamed_bodies say how much is`,
    )
  }
  return record
}

const refusal = (why: string): MidwireError => new MidwireError('ERR_REPLAY', `the flow cannot be replayed: ${why}`)

/** The transport of a client that is not there: it takes everything, and says nothing. */
const NOBODY: Transport = {
  local: undefined,
  remote: undefined,
  receiver: noReceiver,
  write: () => true,
  end() {},
  close() {},
  reset() {},
  pause() {},
  resume() {},
}
