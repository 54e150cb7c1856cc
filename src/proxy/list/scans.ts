// How a list looks through rows and recorded flows, one at each step, so that whoever steps can stop when the turn is over.
import type { AnyFlow } from '../../flow/index.js'
import type { Places } from '../../store/select.js'
import type { Rows } from './rows.js'

export interface Scan {
  /** How many there are to look at, and how many were looked at. */
  readonly of: number
  readonly scanned: number
  /** Looks at the next one. False behind the last. */
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
    this.#found(this.#numbers(this.scanned++))
    return true
  }
}

/** Finds recorded flows that have rows: by their rows where these say whether a flow is wanted, else by the flows themselves. */
export class FlowScan implements Scan {
  readonly of: number
  scanned = 0
  readonly #places: Places
  readonly #rows: Rows
  readonly #judge: (number: number) => boolean | undefined
  readonly #wants: (flow: AnyFlow) => boolean
  readonly #found: (number: number) => void

  /** A flow is read where `judge` gives undefined for the number of its row. */
  constructor(
    places: Places,
    rows: Rows,
    judge: (number: number) => boolean | undefined,
    wants: (flow: AnyFlow) => boolean,
    found: (number: number) => void,
  ) {
    this.of = places.count
    this.#places = places
    this.#rows = rows
    this.#judge = judge
    this.#wants = wants
    this.#found = found
  }

  step(): boolean {
    if (this.scanned >= this.of) return false
    const at = this.scanned++
    const { idHead, idHash } = this.#places.facts(at)
    const number = this.#rows.at(idHead, idHash)
    if (number !== 0 && (this.#judge(number) ?? this.#isWanted(at))) this.#found(number)
    return true
  }

  #isWanted(at: number): boolean {
    const flow = this.#places.read(at)
    return flow !== undefined && this.#wants(flow)
  }

  close(): void {
    this.#places.close()
  }
}

/** Enters the rows of flows that were recorded before the first list was opened. All lists step it, and none closes it. */
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
    const number = this.#first + this.scanned
    const at = this.scanned++
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
