// One character of an expression (a literal, a class, an escape), and which characters of a text it is. JavaScript says so itself.

/** Characters whose answers are kept in an array; those of others are in a map. */
const NARROW = 256
/** The most answers about other characters that one keeps. */
const MAX_WIDE = 4_096

let allWide: string | undefined

/** Every character that is not narrow, in one text. */
function wideText(): string {
  allWide ??= Array.from({ length: 0x10000 - NARROW }, (_, index) => String.fromCharCode(NARROW + index)).join('')
  return allWide
}

export class Character {
  readonly #regexp: RegExp
  /** 0: not asked yet; 1: no; 2: yes. */
  readonly #narrow = new Uint8Array(NARROW)
  readonly #wide = new Map<number, boolean>()
  readonly #source: string
  readonly #flags: string

  constructor(source: string, flags: string) {
    this.#source = source
    this.#flags = flags.replace(/[gymd]/g, '')
    this.#regexp = new RegExp(`^(?:${source})$`, this.#flags)
  }

  /** Whether it is that UTF-16 code unit. */
  is(code: number): boolean {
    if (code < NARROW) {
      const known = this.#narrow[code]
      if (known) return known === 2
      const answer = this.#regexp.test(String.fromCharCode(code))
      this.#narrow[code] = answer ? 2 : 1
      return answer
    }
    const known = this.#wide.get(code)
    if (known !== undefined) return known
    const answer = this.#regexp.test(String.fromCharCode(code))
    if (this.#wide.size < MAX_WIDE) this.#wide.set(code, answer)
    return answer
  }

  /** Whether some character may be both. */
  overlaps(other: Character): boolean {
    for (let code = 0; code < NARROW; code++) if (this.is(code) && other.is(code)) return true
    return this.#hasWide() && other.#hasWide()
  }

  #hasWide(): boolean {
    return new RegExp(this.#source, this.#flags).test(wideText())
  }
}
