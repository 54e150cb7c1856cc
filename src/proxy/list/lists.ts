// Keeps the rows of flows for the lists that are open, from the first one on: enters what comes, and lets lists look at what is recorded, in slices.
import type { AnyFlow } from '../../flow/index.js'
import { idHash, idHead, sizeOf } from '../../store/facts.js'
import type { FlowStore } from '../../store/store.js'
import { Living } from '../../transports/living.js'
import { type FlowList, type FlowListQuery, type ListKeeper, OpenList } from './flow-list.js'
import { Rows } from './rows.js'
import { Filling, FlowScan, NumberScan, RowScan, type Scan, Sequence } from './scans.js'

/** Milliseconds for which flows that have changed wait, so that several changes of one cost as much as one; and the most that wait. */
const GATHER = 100
const GATHERED = 1_000

/** Milliseconds between two looks at how much of the bodies that run has passed, which nobody tells. */
const GROWTH = 500

/** Milliseconds of looking through what is recorded after which other work has a turn; and the most steps in that time. */
const SLICE = 4
const SLICE_STEPS = 5_000

/** The head of an id, and 21 bits of its hash. */
const keyOf = (head: number, hash: number): number => head * 0x200000 + (hash >>> 11)

/** The proxy, as lists need it. */
export interface ListSource {
  readonly store: FlowStore
  running(): readonly AnyFlow[]
  /** The flow as outputs may see it. */
  shown(flow: AnyFlow): AnyFlow
  failed(error: unknown): void
}

export class FlowLists {
  readonly #source: ListSource
  readonly #open = new Set<OpenList>()
  #rows: Rows | undefined
  /** Flows that have changed, by keys of their ids. */
  readonly #changed = new Living<number, AnyFlow>()
  readonly #dropped = new WeakSet<AnyFlow>()
  #timer: NodeJS.Timeout | undefined
  /** What enters the rows of flows that were recorded before the first list; undefined once all are there. */
  #filling: Filling | undefined
  /** The lists that look at what is recorded. */
  readonly #scanning = new Set<OpenList>()
  #slice: NodeJS.Immediate | undefined
  #growth: NodeJS.Timeout | undefined

  constructor(source: ListSource) {
    this.#source = source
  }

  /** Throws ERR_FILTER, and a RangeError for a column that is none. */
  open(query: FlowListQuery): FlowList {
    const rows = this.#rows ?? new Rows()
    const list = new OpenList(query, this.#keeper(rows))
    this.catchUp()
    const scan = this.#rows ? this.#scanOf(list, rows) : this.#begin(rows)
    this.#open.add(list)
    this.#growth ??= setInterval(() => this.#look(), GROWTH).unref()
    list.begin(scan)
    for (const flow of this.#source.running()) if (!this.#dropped.has(flow)) this.#enter(flow, [list])
    return list
  }

  /** A flow has begun, has changed, or is over. */
  tell(flow: AnyFlow): void {
    if (!this.#rows || this.#dropped.has(flow)) return
    this.#changed.set(keyOf(idHead(flow.id), idHash(flow.id)), flow)
    for (const list of this.#open) list.announce()
    if (this.#changed.size >= GATHERED) this.catchUp()
    else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.catchUp()
      }, GATHER).unref()
    }
  }

  /** Brings the rows and the lists up to date with what has changed. */
  catchUp(): void {
    if (this.#changed.size === 0) return
    // The store may drop some of them at once.
    this.#source.store.catchUp()
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    for (const flow of changed) this.#enter(flow, this.#open)
  }

  /** The store has dropped a flow: it is in no list any more. */
  forget(idHead: number, idHash: number): void {
    const rows = this.#rows
    if (!rows) return
    const isNew = this.#changed.delete(keyOf(idHead, idHash))
    this.#filling?.leaveOut(idHead, idHash)
    const number = rows.at(idHead, idHash)
    // It has come, and so has a number.
    if (number === 0 && isNew) rows.reserve(1)
    if (number !== 0) this.#remove(rows, number)
  }

  /** A flow is wanted in no list any more. */
  drop(flow: AnyFlow): void {
    const rows = this.#rows
    if (!rows) return
    this.#dropped.add(flow)
    this.forget(idHead(flow.id), idHash(flow.id))
  }

  /** All recorded flows are gone. */
  clear(): void {
    const rows = this.#rows
    if (!rows) return
    this.#changed.clear()
    this.#filling?.release()
    this.#filling = undefined
    for (const list of this.#open) list.clear()
    this.#scanning.clear()
    for (let number = rows.first; number < rows.next; number++) rows.remove(number)
    this.#compact(rows)
    for (const flow of this.#source.running()) this.#enter(flow, this.#open)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#slice)
    this.#rest()
    for (const list of this.#open) list.close()
    this.#filling?.release()
    this.#filling = undefined
  }

  #rest(): void {
    clearInterval(this.#growth)
    this.#growth = undefined
  }

  /** Enters flows that run and have grown since their rows were entered. */
  #look(): void {
    for (const flow of this.#source.running()) {
      const number = this.#rows?.find(flow.id) ?? 0
      if (number !== 0 && this.#rows?.size(number) !== sizeOf(flow)) this.tell(flow)
    }
  }

  /** From now on rows are kept; gives what enters those of flows that are recorded already. */
  #begin(rows: Rows): Scan {
    this.#rows = rows
    const { store } = this.#source
    store.onforgotten = ({ idHead, idHash }) => this.forget(idHead, idHash)
    store.onback = (flow) => this.tell(flow)
    this.#filling = new Filling(store.places(), rows, (number, flow) => {
      for (const list of this.#open) if (list.wants(flow)) list.found(number)
    })
    return this.#filling
  }

  #keeper(rows: Rows): ListKeeper {
    return {
      rows,
      catchUp: () => this.catchUp(),
      scan: (list) => {
        this.#scanning.add(list)
        this.#slice ??= setImmediate(() => this.#work())
      },
      closed: (list) => {
        this.#open.delete(list)
        this.#scanning.delete(list)
        if (this.#open.size === 0) this.#rest()
      },
      failed: (error) => this.#source.failed(error),
    }
  }

  /** What a list that opens now has to look at. It is told of the rows that are ahead when they are entered. */
  #scanOf(list: OpenList, rows: Rows): Scan {
    const filling = this.#filling
    const { first, next } = rows
    const found = (number: number) => list.found(number)
    const read = (isOpen: (number: number) => boolean) =>
      new FlowScan(
        this.#source.store.places(),
        rows,
        (number) => number < next && isOpen(number),
        (number, flow) => {
          if (list.wants(flow)) list.found(number)
        },
      )
    const scan = list.judge
      ? new RowScan(rows, list.judge, found, read)
      : list.accepts
        ? read(() => true)
        : new NumberScan(next - first, (at) => first + at, found)
    return filling ? new Sequence([scan, filling]) : scan
  }

  /** One slice for each list that looks at what is recorded. */
  #work(): void {
    this.#slice = undefined
    for (const list of [...this.#scanning]) {
      const until = performance.now() + SLICE / this.#scanning.size
      let left = SLICE_STEPS
      let goesOn = true
      while (goesOn && left-- > 0 && performance.now() < until) goesOn = list.source?.step() ?? false
      list.settle()
      list.announce()
      if (goesOn) continue
      this.#scanning.delete(list)
      list.end()
    }
    if (this.#filling && this.#filling.scanned >= this.#filling.of) this.#filling = undefined
    if (this.#scanning.size > 0) this.#slice = setImmediate(() => this.#work())
  }

  #enter(flow: AnyFlow, lists: Iterable<OpenList>): void {
    const rows = this.#rows
    if (!rows) return
    const shown = this.#source.shown(flow)
    // A flow that is over and was not recorded is gone.
    if (!flow.live && !this.#source.store.records) {
      const number = rows.find(flow.id)
      if (number !== 0) this.#remove(rows, number)
      return
    }
    const number = rows.set(shown)
    for (const list of lists) list.tell(number, shown)
  }

  #remove(rows: Rows, number: number): void {
    for (const list of this.#open) list.gone(number)
    rows.remove(number)
    this.#compact(rows)
  }

  #compact(rows: Rows): void {
    // The rows of what is filled in are not there yet.
    if (this.#filling) return
    const before = rows.first
    const first = rows.compact()
    if (first !== before) for (const list of this.#open) list.cut(first)
  }
}
