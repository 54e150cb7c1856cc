// How a list looks through rows and recorded flows, one at each step, so that whoever steps can stop when the turn is over.
import type { AnyFlow } from '../../flow/index.js'
import type { Places } from '../../store/places.js'
import { Flags } from './flags.js'
import type { Rows } from './rows.js'

/** Rows of a step: to look at the clock after each would take as long as the row. */
const ROWS_AT_ONCE = 16

export interface Scan {
  /** How many there are to look at, and how many were looked at. */
  readonly of: number
  readonly scanned: number
  /** Looks at the next one, or at a few that cost little. False behind the last. */
  step(): boolean
  /** It is wanted no more. */
  close?(): void
}

/** One scan after another. */
export class Sequence implements Scan {
  readonly #scans: readonly Scan[]

  constructor(scans: readonly Scan[]) {
    this.#scans = scans
  }

  get of(): number {
    return this.#scans.reduce((sum, { of }) => sum + of, 0)
  }

  get scanned(): number {
    return this.#scans.reduce((sum, { scanned }) => sum + scanned, 0)
  }

  step(): boolean {
    return this.#scans.some((scan) => scan.step())
  }

  close(): void {
    for (const scan of this.#scans) scan.close?.()
  }
}

/** Gives the numbers of rows, those of rows that are gone or have not come among them. */
export class NumberScan implements Scan {
  readonly of: number
  scanned = 0
  readonly #numbers: (at: number) => number
  readonly #found: (number: number) => void

  /** `numbers` gives the number at a place. */
  constructor(count: number, numbers: (at: number) => number, found: (number: number) => void) {
    this.of = count
    this.#numbers = numbers
    this.#found = found
  }

  step(): boolean {
    if (this.scanned >= this.of) return false
    const end = Math.min(this.of, this.scanned + ROWS_AT_ONCE)
    while (this.scanned < end) this.#found(this.#numbers(this.scanned++))
    return true
  }
}

/** So many rows are asked; where most of them do not say whether their flows are wanted, all flows are read. */
const SAMPLE = 1_000

/** Finds the rows that are wanted, the latest first: by what they say themselves; then those flows are read whose rows do not say it. */
export class RowScan implements Scan {
  readonly #first: number
  readonly #next: number
  readonly #rows: Rows
  readonly #judge: (number: number) => boolean | undefined
  readonly #found: (number: number) => void
  readonly #read: (isOpen: (number: number) => boolean) => Scan
  /** The rows that do not say it. */
  readonly #open = new Flags()
  #opened = 0
  /** The rows from here on were looked at. */
  #at: number
  #reading: Scan | undefined

  /** `read` begins to read the flows whose rows are `isOpen`. */
  constructor(
    rows: Rows,
    judge: (number: number) => boolean | undefined,
    found: (number: number) => void,
    read: (isOpen: (number: number) => boolean) => Scan,
  ) {
    this.#first = rows.first
    this.#next = rows.next
    this.#at = rows.next
    this.#open.cut(rows.first)
    this.#rows = rows
    this.#judge = judge
    this.#found = found
    this.#read = read
  }

  get of(): number {
    return this.#reading?.of ?? this.#next - this.#first
  }

  get scanned(): number {
    return this.#reading?.scanned ?? this.#next - this.#at
  }

  step(): boolean {
    if (this.#reading) return this.#reading.step()
    if (this.#at === this.#first) {
      if (this.#opened === 0) return false
      this.#reading = this.#read((number) => this.#open.get(number) !== 0)
      return true
    }
    const before = this.#next - this.#at
    const end = Math.max(this.#first, this.#at - ROWS_AT_ONCE)
    while (this.#at > end) this.#look(--this.#at)
    const looked = this.#next - this.#at
    if (before < SAMPLE && looked >= SAMPLE && this.#opened * 2 > looked) this.#reading = this.#read(() => true)
    return true
  }

  #look(number: number): void {
    if (!this.#rows.has(number)) return
    const isWanted = this.#judge(number)
    if (isWanted) this.#found(number)
    if (isWanted !== undefined) return
    this.#open.set(number, 1)
    this.#opened += 1
  }

  close(): void {
    this.#reading?.close?.()
  }
}

/** Gives recorded flows, the latest first, and the number of the row of each that has one. */
export class FlowScan implements Scan {
  readonly of: number
  scanned = 0
  readonly #places: Places
  readonly #rows: Rows
  readonly #wants: (number: number) => boolean
  readonly #found: (number: number, flow: AnyFlow) => void

  /** Flows whose number `wants` refuses are not read. */
  constructor(
    places: Places,
    rows: Rows,
    wants: (number: number) => boolean,
    found: (number: number, flow: AnyFlow) => void,
  ) {
    this.of = places.count
    this.#places = places
    this.#rows = rows
    this.#wants = wants
    this.#found = found
  }

  step(): boolean {
    if (this.scanned >= this.of) return false
    this.scanned += 1
    const at = this.of - this.scanned
    const { idHead, idHash } = this.#places.facts(at)
    const number = this.#rows.at(idHead, idHash)
    const flow = number === 0 || !this.#wants(number) ? undefined : this.#places.read(at)
    if (flow) this.#found(number, flow)
    return true
  }

  close(): void {
    this.#places.close()
  }
}

/**
 * Enters the rows of flows that were recorded before the first list was opened, the latest first: those are the ones that a list is opened for.
 * All lists step it, and none closes it.
 */
export class Filling implements Scan {
  readonly of: number
  scanned = 0
  readonly #places: Places
  readonly #rows: Rows
  readonly #first: number
  /** The heads and hashes of the ids of flows that were forgotten since. */
  readonly #leftOut = new Set<string>()
  readonly #found: (number: number, flow: AnyFlow) => void

  constructor(places: Places, rows: Rows, found: (number: number, flow: AnyFlow) => void) {
    this.of = places.count
    this.#places = places
    this.#rows = rows
    this.#first = rows.reserve(places.count)
    this.#found = found
  }

  step(): boolean {
    if (this.scanned >= this.of) return false
    this.scanned += 1
    const at = this.of - this.scanned
    const number = this.#first + at
    const { idHead, idHash } = this.#places.facts(at)
    // It was changed since, and has come by itself.
    const isWanted = this.#rows.at(idHead, idHash) === 0 && !this.#leftOut.has(`${idHead} ${idHash}`)
    const flow = isWanted ? this.#places.read(at) : undefined
    if (flow) this.#found(this.#rows.set(flow, number), flow)
    if (this.scanned === this.of) this.release()
    return true
  }

  /** A flow was forgotten meanwhile. */
  leaveOut(idHead: number, idHash: number): void {
    this.#leftOut.add(`${idHead} ${idHash}`)
  }

  /** Lets go of the files. */
  release(): void {
    this.#places.close()
  }
}
