// The recorded flows of a proxy: what is read of them, and how they come into the store. Those that come are joined to those that are there.
import { join } from 'node:path'
import { MidwireError } from '../errors.js'
import { parseFilter, seeksProcesses } from '../flow/filter.js'
import type { AnyFlow } from '../flow/index.js'
import type { LogLevel } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import { confdirOf } from '../options/paths.js'
import { StoreReader } from '../store/reader.js'
import type { FlowQuery } from '../store/select.js'
import { FlowStore, type RecordedInfo } from '../store/store.js'
import { describe } from './dispatch.js'
import { Fixture } from './fixture.js'
import { FlowReader, type Flows, RecordedFlows } from './flows.js'
import type { FlowList, FlowListQuery } from './list/flow-list.js'
import { FlowLists } from './list/lists.js'

/** The folder of the store in the conf dir. */
const STORE_FOLDER = 'store'

/** The most flows that a command is given. They are all in memory at once. */
const MAX_CHOSEN = 10_000

/** Which flows `proxy.flows()` gives: recorded ones, and those that come. */
export interface FlowsQuery extends FlowQuery {
  /** True: after the recorded flows come those that end from now on, in that order, all that match. Default: false. */
  readonly follow?: boolean | undefined
}

export abstract class Recording extends Fixture {
  readonly #readers = new Set<FlowReader>()
  /** The readers and lists whose filter asks for the processes of clients. */
  readonly #seekers = new Set<FlowReader | FlowList>()
  /** @internal */
  protected readonly store = new FlowStore({ memory: 0, log: (level, message) => this.log(level, message) })
  /** Flows that are not recorded when they are over. */
  readonly #unwanted = new WeakSet<AnyFlow>()
  readonly #lists = new FlowLists({
    store: this.store,
    running: () => this.runningFlows,
    shown: (flow) => this.shown(flow),
    failed: (error) => this.log('error', `a filter or onchange of list() has failed: ${describe(error).text}`),
  })
  #closed = false

  abstract log(level: LogLevel, message: string): void

  /**
   * An iterator over flows as they end: all of them, or those that match a filter (`~d example.org & ~m POST`). At most 10,000
   * flows, and 64 MiB of them (`flow.size`), wait for a slow reader; beyond that the oldest are dropped, and counted in `dropped`.
   * The iterator ends when the proxy is closed. Throws ERR_FILTER.
   */
  flows(filter?: string | ((flow: AnyFlow) => boolean)): Flows
  /**
   * An iterator over recorded flows: `proxy.flows({ filter: '~c 500', sort: 'duration', reverse: true, limit: 10 })`. It ends behind them, or
   * goes on with flows that end later (`follow: true`), with the bounds above. A recorded flow is a copy: what was recorded of it when it
   * ended. Throws ERR_FILTER, and a RangeError for an order that is none.
   */
  flows(query: FlowsQuery): Flows
  flows(given?: string | ((flow: AnyFlow) => boolean) | FlowsQuery): Flows {
    if (typeof given !== 'object') return this.#follow(given)
    const { follow = false, ...query } = given
    const recorded = this.store.select(query)
    return new RecordedFlows(recorded, follow ? this.#follow(query.filter) : undefined)
  }

  /**
   * A live list of recorded and running flows for a window of them: those that match, in an order, kept up with what comes. It looks at what is
   * recorded in slices, so that nothing waits for it. Close it, or it is kept up with flows for ever. Throws ERR_FILTER, and a RangeError for a
   * column that is none.
   */
  list(query: FlowListQuery = {}): FlowList {
    const list = this.#lists.open(query)
    if (typeof query.filter !== 'string' || !seeksProcesses(query.filter)) return list
    this.#seekers.add(list)
    const close = list.close.bind(list)
    return Object.assign(list, {
      close: () => {
        this.#seekers.delete(list)
        close()
      },
    })
  }

  /**
   * A flow that runs, by its id; or a copy of a recorded one, by its id or by the beginning of it, 8 characters at least. Undefined where there is
   * none.
   */
  flow(id: string): AnyFlow | undefined {
    return this.runningFlows.find((flow) => flow.id === id) ?? this.store.flow(id)
  }

  /** Forgets all recorded flows, in memory and on disk. */
  clear(): void {
    this.store.clear()
    this.#lists.clear()
  }

  /** How much is recorded, and what was dropped. */
  get recorded(): RecordedInfo {
    return this.store.info
  }

  #follow(filter: string | ((flow: AnyFlow) => boolean) | undefined): FlowReader {
    const accepts = typeof filter === 'string' ? parseFilter(filter) : (filter ?? (() => true))
    const reader = new FlowReader(
      accepts,
      (left) => {
        this.#readers.delete(left)
        this.#seekers.delete(left)
      },
      (error) => this.log('error', `a filter of flows() has failed: ${describe(error).text}`),
    )
    if (this.#closed) reader.end()
    else {
      this.#readers.add(reader)
      if (typeof filter === 'string' && seeksProcesses(filter)) this.#seekers.add(reader)
    }
    return reader
  }

  /** The store is opened, before flows come. @internal */
  protected beginRecording(confdir: string, { store_memory, store_disk }: Options): void {
    this.store.memoryLimit = store_memory
    if (store_disk > 0) this.store.openDisk(join(confdir, STORE_FOLDER), store_disk)
  }

  /** The memory of the store has another bound. @internal */
  protected boundMemory({ store_memory }: Options): void {
    this.store.memoryLimit = store_memory
  }

  /** `shown` is the flow as outputs may see it (option `redact`). @internal */
  protected override flowIsOver(flow: AnyFlow, shown: AnyFlow = flow): void {
    super.flowIsOver(flow)
    if (this.#unwanted.has(flow)) this.#lists.drop(flow)
    else this.recordNew(flow, shown)
    for (const reader of this.#readers) reader.offer(shown)
  }

  /** @internal */
  protected recordNew(flow: AnyFlow, shown: AnyFlow = this.shown(flow)): void {
    // The store may drop it at once, and says so.
    this.#lists.tell(flow)
    this.store.record(shown)
  }

  /** Forgets a flow; one that runs is not recorded when it is over. @internal */
  protected forget(flow: AnyFlow): void {
    if (flow.live) this.#unwanted.add(flow)
    else this.store.remove(flow.id)
    this.#lists.drop(flow)
  }

  /** Recorded flows were changed since: they are recorded again. @internal */
  protected recordAgain(flows: readonly AnyFlow[]): void {
    for (const flow of flows) {
      if (flow.live) continue
      this.store.update(this.shown(flow))
      this.#lists.tell(flow)
    }
  }

  /** A flow has begun, or changed while it runs. @internal */
  protected flowRuns(flow: AnyFlow): void {
    this.#lists.tell(flow)
  }

  /** A flow as outputs may see it: without what option `redact` names. It reads from the flow, and so follows one that runs. */
  abstract shown(flow: AnyFlow): AnyFlow

  /** @internal */
  protected override get waitsForProcesses(): boolean {
    return this.#seekers.size > 0 || super.waitsForProcesses
  }

  /** No more flows will come. Readers end behind those that wait. @internal */
  protected override endWaits(): void {
    super.endWaits()
    this.#closed = true
    this.#lists.close()
    for (const reader of this.#readers) reader.end()
  }

  /** Fulfilled when what was recorded is on disk. @internal */
  protected async endRecording(): Promise<void> {
    await this.store.closeDisk()
  }

  /**
   * The flows that a text names: `@all`, `@marked`, an id, or a filter; those that run, and recorded ones. Throws ERR_FILTER, and
   * ERR_COMMAND where there are too many. @internal
   */
  protected async choose(text: string): Promise<AnyFlow[]> {
    const one = this.flow(text)
    if (one) return [one]
    const filter = text === '@all' ? '~all' : text === '@marked' ? '~marked' : text
    const chosen = this.runningFlows.filter(parseFilter(filter))
    for await (const flow of this.store.select({ filter })) {
      chosen.push(flow)
      if (chosen.length > MAX_CHOSEN) {
        throw new MidwireError('ERR_COMMAND', `more than ${MAX_CHOSEN} flows match ${text}: narrow the filter`)
      }
    }
    return chosen
  }
}

/**
 * Opens the recorded flows of a conf dir (default: MIDWIRE_CONFDIR, else `~/.midwire`) to read them, also while a midwire records there.
 * Throws ERR_CONFDIR where nothing is recorded.
 */
export function openStore(confdir?: string): StoreReader {
  const folder = join(confdirOf(confdir), STORE_FOLDER)
  try {
    return new StoreReader(folder)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT'
    const what = isThere ? `${folder} cannot be read: ${describe(error).text}` : `no flows are recorded in ${folder}`
    throw new MidwireError('ERR_CONFDIR', what, { cause: error })
  }
}
