// A list of flows for a window: those that match a filter, in an order, recorded ones and those that run, kept up with what comes.
import { parseFilter } from '../../flow/filter.js'
import type { AnyFlow } from '../../flow/index.js'
import { Changes } from './changes.js'
import { Flags } from './flags.js'
import { judge } from './known-flow.js'
import { Order } from './order.js'
import type { FlowRow } from './row.js'
import { ROW_SORTS, type RowSort, type Rows } from './rows.js'
import { NumberScan, type Scan, Sequence } from './scans.js'

/** Which flows `proxy.list()` shows, and in which order. */
export interface FlowListQuery {
  /** Default: all. */
  readonly filter?: string | ((flow: AnyFlow) => boolean) | undefined
  /** The column by which rows are sorted; rows that are equal in it stand in the order in which flows have come. Default: `number`. */
  readonly sort?: RowSort | undefined
  /** True: the last comes first. Default: false. */
  readonly reverse?: boolean | undefined
}

/** What has changed in a list since the changes were taken the last time. */
export interface FlowListChanges {
  /** True: there is too much to tell, and the list is to be read anew; the three lists are empty then. */
  readonly reset: boolean
  /** Ids of flows that are in the list now and were not before. */
  readonly added: readonly string[]
  /** Ids of flows that were in the list before and still are, and have changed. */
  readonly updated: readonly string[]
  /** Ids of flows that are in the list no more: they match no more, or were forgotten. */
  readonly removed: readonly string[]
}

/** A live view of recorded and running flows, which `proxy.list()` gives. It costs little for each flow, and nothing while nothing comes. */
export interface FlowList {
  /** How many flows match, of those that were looked at so far. */
  readonly total: number
  /** How many recorded flows were looked at since the list was opened, or sorted in another way; `of`: how many there are to look at. */
  readonly scanned: number
  readonly of: number
  /** Fulfilled when all recorded flows were looked at, or the list was closed. */
  readonly complete: Promise<void>
  readonly sort: RowSort
  readonly reverse: boolean
  /**
   * Called once there may be something to take with `takeChanges()`, and not again until that was called: at most once a turn of the event loop. Undefined for
   * nothing. Changes while the list looks at what is recorded count, too.
   */
  onchange: (() => void) | undefined
  /** The ids of the rows from `offset` on, `limit` at most. */
  ids(offset: number, limit: number): string[]
  /** The rows from `offset` on, `limit` at most. They are copies. */
  rows(offset: number, limit: number): FlowRow[]
  /** The row of a flow that is in the list; undefined for another. */
  row(id: string): FlowRow | undefined
  /** Where a flow stands in the list, from 0 on; -1 where it is not in it. */
  position(id: string): number
  /** The number of a flow's row, whether the list has it or not: from 1 on, in the order in which flows have come. Undefined for a flow that is unknown. */
  number(id: string): number | undefined
  /** What has changed since the last call, one word a flow; undefined where nothing has. More than 5,000 rows are a `reset`. */
  takeChanges(): FlowListChanges | undefined
  /** Sorts the list in another way, in slices, as `scanned` shows. Throws a RangeError for a column that is none. */
  sortBy(sort: RowSort, reverse?: boolean): void
  close(): void
}

/** What a list needs of those who keep the rows. */
export interface ListKeeper {
  readonly rows: Rows
  /** Brings the rows up to date with flows that have changed a moment ago. */
  catchUp(): void
  /** Begins, or goes on, to let the list's scan have its slices. */
  scan(list: OpenList): void
  closed(list: OpenList): void
  failed(error: unknown): void
}

/** The list was told of a row since a scan of flows began, which may know an older state of it; and since a scan of rows began. */
const TOLD = 1
const PLACED = 2

export class OpenList implements FlowList {
  onchange: (() => void) | undefined
  complete: Promise<void> = Promise.resolve()
  sort: RowSort
  reverse: boolean
  /** What is to be looked at; undefined once all was. */
  source: Scan | undefined
  readonly accepts: ((flow: AnyFlow) => boolean) | undefined
  /** Whether a row, by its number, says that its flow is accepted, where the filter is a text. A row that does not know answers undefined: the flow is read. */
  readonly judge: ((number: number) => boolean | undefined) | undefined
  readonly #keeper: ListKeeper
  readonly #changes = new Changes()
  #order: Order
  #told = new Flags()
  #progress = { scanned: 0, of: 0 }
  #settle: () => void = () => {}
  #isAwaited = false
  #hasFailed = false
  #isClosed = false

  /** Throws ERR_FILTER, and a RangeError for a column that is none. */
  constructor({ filter, sort = 'number', reverse = false }: FlowListQuery, keeper: ListKeeper) {
    this.accepts = typeof filter === 'string' ? parseFilter(filter) : filter
    // A function of a program's may want anything of a flow.
    this.judge = typeof filter === 'string' && this.accepts ? judge(keeper.rows, this.accepts) : undefined
    this.#keeper = keeper
    this.sort = sort
    this.reverse = reverse
    this.#order = this.#newOrder(sort)
  }

  get total(): number {
    this.#keeper.catchUp()
    return this.#order.count
  }

  get scanned(): number {
    return this.source?.scanned ?? this.#progress.scanned
  }

  get of(): number {
    return this.source?.of ?? this.#progress.of
  }

  ids(offset: number, limit: number): string[] {
    return this.#window(offset, limit).map((number) => this.#keeper.rows.id(number))
  }

  rows(offset: number, limit: number): FlowRow[] {
    return this.#window(offset, limit).map((number) => this.#keeper.rows.get(number))
  }

  row(id: string): FlowRow | undefined {
    this.#keeper.catchUp()
    const number = this.#keeper.rows.find(id)
    return this.#order.has(number) ? this.#keeper.rows.get(number) : undefined
  }

  position(id: string): number {
    this.#keeper.catchUp()
    const number = this.#keeper.rows.find(id)
    const position = number === 0 ? -1 : this.#order.position(number)
    return this.reverse && position !== -1 ? this.#order.count - 1 - position : position
  }

  number(id: string): number | undefined {
    this.#keeper.catchUp()
    return this.#keeper.rows.find(id) || undefined
  }

  takeChanges(): FlowListChanges | undefined {
    this.#keeper.catchUp()
    this.#isAwaited = false
    return this.#changes.isEmpty ? undefined : this.#changes.take((number) => this.#keeper.rows.id(number))
  }

  sortBy(sort: RowSort, reverse = false): void {
    this.#keeper.catchUp()
    const isSame = sort === this.sort
    const numbers = isSame ? undefined : Int32Array.from(this.#order.rows)
    const order = isSame ? this.#order : this.#newOrder(sort)
    this.sort = sort
    this.reverse = reverse
    this.#order = order
    this.#changes.reset()
    this.announce()
    if (numbers) {
      if (this.source) this.#told.clear(PLACED)
      const sorting = new NumberScan(
        numbers.length,
        (at) => numbers[at] ?? 0,
        (number) => this.place(number),
      )
      this.begin(this.source ? new Sequence([sorting, this.source]) : sorting)
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.onchange = undefined
    this.end()
    this.#keeper.closed(this)
  }

  /** Begins to look at flows. */
  begin(source: Scan): void {
    if (!this.source) {
      this.#told = new Flags()
      this.complete = new Promise((resolve) => {
        this.#settle = resolve
      })
    }
    this.source = source
    this.#keeper.scan(this)
  }

  /** Nothing is left to be looked at. */
  end(): void {
    if (this.source) this.#progress = { scanned: this.source.scanned, of: this.source.of }
    this.source?.close?.()
    this.source = undefined
    this.#settle()
  }

  /** Tells `onchange`, in this turn, that there is something to be taken; once, until it was. */
  announce(): void {
    if (this.#isAwaited || !this.onchange) return
    this.#isAwaited = true
    setImmediate(() => {
      try {
        this.onchange?.()
      } catch (error) {
        this.#keeper.failed(error)
      }
    })
  }

  /** Whether a flow belongs into the list. */
  wants(flow: AnyFlow): boolean {
    if (!this.accepts) return true
    try {
      return this.accepts(flow)
    } catch (error) {
      if (!this.#hasFailed) this.#keeper.failed(error)
      this.#hasFailed = true
      return false
    }
  }

  /** A flow has come or changed, and its row has been entered. */
  tell(number: number, flow: AnyFlow): void {
    if (this.source) this.#told.set(number, TOLD | PLACED)
    const isIn = this.#order.has(number)
    if (!this.wants(flow)) {
      if (isIn) this.#changes.removed(number, this.#keeper.rows.id(number))
      this.#order.remove(number)
    } else if (isIn) {
      // The order of numbers never changes.
      if (this.sort !== 'number') this.#order.move(number)
      this.#changes.note(number, 'updated')
    } else {
      this.#order.add(number)
      this.#changes.note(number, 'added')
    }
  }

  /** A scan of flows has found a row that belongs into the list. */
  found(number: number): void {
    if (!(this.#told.get(number) & TOLD)) this.#enter(number)
  }

  /** A row of the list is put into another order. */
  place(number: number): void {
    if (!(this.#told.get(number) & PLACED)) this.#enter(number)
  }

  #enter(number: number): void {
    if (!this.#keeper.rows.has(number)) return
    this.#order.add(number)
    this.#changes.reset()
  }

  /** A slice of the scan is over: what it has found is put in its place, so that nothing is left to do at once later. */
  settle(): void {
    this.#order.settle()
  }

  /** A row goes, and is there until this is done. */
  gone(number: number): void {
    if (!this.#order.has(number)) return
    this.#changes.removed(number, this.#keeper.rows.id(number))
    this.#order.remove(number)
    this.announce()
  }

  /** All rows are gone. */
  clear(): void {
    this.#order = this.#newOrder(this.sort)
    this.end()
    this.#progress = { scanned: 0, of: 0 }
    this.#changes.reset()
    this.announce()
  }

  /** The rows before this number are all gone. */
  cut(first: number): void {
    this.#order.cut(first)
    this.#told.cut(first)
  }

  #newOrder(sort: RowSort): Order {
    if (!ROW_SORTS.includes(sort)) {
      throw new RangeError(`a list is sorted by ${ROW_SORTS.join(', ')}, not by ${String(sort)}`)
    }
    return new Order(this.#keeper.rows.order(sort))
  }

  #window(offset: number, limit: number): number[] {
    this.#keeper.catchUp()
    const rows = this.#order.rows
    const from = Math.max(0, Math.floor(offset))
    const to = Math.min(rows.length, from + Math.max(0, Math.floor(limit)))
    if (!this.reverse) return [...rows.subarray(from, to)]
    return [...rows.subarray(Math.max(0, rows.length - to), Math.max(0, rows.length - from))].reverse()
  }
}
