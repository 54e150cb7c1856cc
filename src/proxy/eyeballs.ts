// Happy Eyeballs, version 2 (RFC 8305): decides when which address of a server is tried. No socket and no clock: time is an event.

export type Family = 4 | 6

/** Milliseconds that IPv4 addresses wait for the IPv6 ones, where a name server answers for IPv4 first (RFC 8305, 3). */
const RESOLUTION_DELAY = 50

/** Milliseconds before the next address is tried, while those that were tried before are silent (RFC 8305, 5). */
const ATTEMPT_DELAY = 250

/** The addresses of each family that are tried. A name may have hundreds, and each attempt is a socket. */
const MAX_ADDRESSES = 16

/** The deeds that carry the decisions out. Nothing may be told to the Eyeballs within these calls. */
export interface Attempts {
  /** Tries an address. If that fails, `failed` is to be called. */
  begin(address: string): void
  /** Calls `elapsed` after so many milliseconds; undefined: not at all. It replaces the delay of the call before. */
  delay(milliseconds: number | undefined): void
  /** No address is left, and all that were tried have failed. The last call. */
  exhausted(): void
}

/** Ends with `exhausted`, or when its owner no longer calls it, because an attempt has succeeded. */
export class Eyeballs {
  readonly #attempts: Attempts
  /** The addresses that were not tried yet, each family in its order. */
  readonly #waiting: Record<Family, string[]> = { 4: [], 6: [] }
  /** The families for which no answer has come yet. */
  readonly #asked: Set<Family>
  readonly #seen = new Set<string>()
  /** The family whose turn is next. */
  #turn: Family = 6
  /** Attempts that have not failed yet. */
  #running = 0
  #begun = false
  /** The time that is waited for; undefined: the next address is tried as soon as there is one. */
  #waits: 'resolution' | 'attempt' | undefined
  #resolutionOver = false

  /** `asked`: the families for which an answer will come. */
  constructor(asked: Iterable<Family>, attempts: Attempts) {
    this.#asked = new Set(asked)
    this.#attempts = attempts
  }

  /**
   * All addresses of these families; none where the name has none. Addresses of both families at once are in the order of the system
   * (RFC 6724), and the first of them is tried first. Otherwise IPv6 goes first.
   */
  found(families: readonly Family[], addresses: readonly { address: string; family: Family }[]): void {
    for (const family of families) this.#asked.delete(family)
    const [first] = addresses
    if (first && !this.#begun && families.length > 1) this.#turn = first.family
    for (const { address, family } of addresses) {
      const waiting = this.#waiting[family]
      if (this.#seen.has(address) || waiting.length >= MAX_ADDRESSES) continue
      this.#seen.add(address)
      waiting.push(address)
    }
    if (this.#waits === 'resolution') this.#wait(undefined)
    this.#next()
  }

  /** An attempt has failed: the next one begins at once. */
  failed(): void {
    this.#running -= 1
    this.#wait(undefined)
    this.#next()
  }

  /** The delay is over. */
  elapsed(): void {
    if (this.#waits === 'resolution') this.#resolutionOver = true
    this.#waits = undefined
    this.#next()
  }

  #next(): void {
    if (this.#waits) return
    const address = this.#choose()
    if (address !== undefined) {
      this.#begun = true
      this.#running += 1
      this.#wait('attempt', ATTEMPT_DELAY)
      this.#attempts.begin(address)
    } else if (this.#waits === undefined && this.#running === 0 && this.#asked.size === 0) this.#attempts.exhausted()
  }

  /** Takes the next address, the families in turn; undefined where there is none, or where IPv6 is waited for. */
  #choose(): string | undefined {
    const other: Family = this.#turn === 6 ? 4 : 6
    const family = this.#waiting[this.#turn].length > 0 ? this.#turn : other
    const [address] = this.#waiting[family]
    if (address === undefined) return undefined
    if (family === 4 && !this.#begun && this.#asked.has(6) && !this.#resolutionOver) {
      this.#wait('resolution', RESOLUTION_DELAY)
      return undefined
    }
    this.#waiting[family].shift()
    this.#turn = family === 6 ? 4 : 6
    return address
  }

  #wait(what: 'resolution' | 'attempt' | undefined, milliseconds?: number): void {
    if (what === undefined && this.#waits === undefined) return
    this.#waits = what
    this.#attempts.delay(milliseconds)
  }
}
