// Regular expressions that users give: JavaScript's, but no expression takes for ever on any text.
import { Character } from './characters.js'
import { type Steps, stepsOf } from './cost.js'
import { type Budget, Matcher } from './match.js'
import { compile, type Program } from './program.js'
import { Searcher } from './search.js'
import { readTree } from './tree.js'

/** Steps, about, that JavaScript's own search may take. Texts for which it may take more are searched by the linear one. */
const MAX_OWN_STEPS = 1 << 22
/** The same for expressions that the linear search does not know; longer texts are searched in their beginning alone. */
const MAX_FOREIGN_STEPS = 1 << 26

/** Steps of the linear search for a match with its groups, or for all matches of a replacement. Beyond them nothing more is found. */
const MAX_MATCH_STEPS = 1 << 24

/**
 * A RegExp whose searches end. JavaScript's own search does the work where it can take only so many steps on a text of that length, which is
 * always so for ordinary expressions. Else a search does it that follows all ways at once and gives the same answer (but for the groups, and
 * with them the end of the match, of a repeated part that may be empty). That one
 * knows no lookaround, no backreferences and no flags u and v: with these, texts are searched as far as JavaScript's search ends in good
 * time, and an expression that has no such length is refused.
 *
 * Throws the SyntaxError of JavaScript for a text that is none, and one of its own for what it refuses.
 */
export class BoundedRegExp extends RegExp {
  /** The longest text that JavaScript's own search is good for. */
  readonly #limit: number
  readonly #plain: RegExp
  /** Undefined where the linear search does not know the expression. */
  readonly #program: Program | undefined
  readonly #groups: number
  readonly #hasIndex: boolean
  #searcher: Searcher | undefined
  #matcher: Matcher | undefined
  /** The steps that are left for all matches of a replacement. */
  #budget: Budget | undefined

  constructor(pattern: string | RegExp, flags?: string) {
    super(pattern, flags)
    this.#plain = new RegExp(this.source, this.flags)
    this.#hasIndex = this.global || this.sticky
    const { root, groups, isPlain } = readTree(this.#plain)
    this.#groups = groups
    const characters = new Map<string, Character>()
    const steps = stepsOf(root, (source) => {
      const known = characters.get(source) ?? new Character(source, this.flags)
      characters.set(source, known)
      return known
    })
    const own = longest(steps, MAX_OWN_STEPS)
    this.#program = isPlain && own < Number.POSITIVE_INFINITY ? compile(root, this.flags) : undefined
    this.#limit = this.#program ? own : longest(steps, MAX_FOREIGN_STEPS)
    if (this.#limit === 0 && !this.#program) {
      const why = isPlain ? 'it is too long' : 'it has lookaround, a backreference or flags within it'
      throw new SyntaxError(`a part that is repeated can match in several ways, which may take for ever, and ${why}`)
    }
  }

  override test(text: string): boolean {
    const searched = String(text)
    if (this.#hasIndex) return this.exec(searched) !== null
    if (searched.length <= this.#limit) return this.#plain.test(searched)
    if (!this.#program) return this.#plain.test(searched.slice(0, this.#limit))
    this.#searcher ??= new Searcher(this.#program)
    return this.#searcher.find(searched)
  }

  override exec(text: string): RegExpExecArray | null {
    const searched = String(text)
    if (searched.length <= this.#limit) return super.exec(searched)
    if (!this.#program) return super.exec(searched.slice(0, this.#limit))
    const from = this.#hasIndex ? this.lastIndex : 0
    // Whether there is a match at all is found much sooner.
    this.#searcher ??= new Searcher(this.#program)
    if (from === 0 && !this.sticky && !this.#searcher.find(searched)) return null
    this.#matcher ??= new Matcher(this.#program, this.#groups)
    const budget = this.#budget ?? { left: MAX_MATCH_STEPS }
    const places =
      from > searched.length || budget.left < 0 ? undefined : this.#matcher.find(searched, from, this.sticky, budget)
    if (this.#hasIndex) this.lastIndex = places?.[1] ?? 0
    return places ? this.#result(searched, places) : null
  }

  /** As RegExp has it. Where all matches together take too long, the rest of the text stays as it is. */
  override [Symbol.replace](
    text: string,
    replacement: string | ((match: string, ...groups: unknown[]) => string),
  ): string {
    this.#budget = { left: MAX_MATCH_STEPS }
    try {
      return super[Symbol.replace](text, replacement as string)
    } finally {
      this.#budget = undefined
    }
  }

  #result(text: string, places: readonly number[]): RegExpExecArray {
    const groups = Array.from({ length: this.#groups + 1 }, (_, index) => {
      const [start = -1, end = -1] = places.slice(index * 2, index * 2 + 2)
      return start < 0 || end < 0 ? undefined : text.slice(start, end)
    })
    const names = [
      ...this.source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]/g, '').matchAll(/\((?:\?<([^=!>][^>]*)>|(?!\?))/g),
    ]
    const named = names.flatMap(([, name], index) => (name === undefined ? [] : [[name, groups[index + 1]] as const]))
    return Object.assign(groups as [string, ...string[]], {
      index: places[0] as number,
      input: text,
      groups:
        named.length > 0
          ? (Object.assign(Object.create(null), Object.fromEntries(named)) as Record<string, string>)
          : undefined,
    }) as RegExpExecArray
  }
}

/** The greatest length of a text that takes at most so many steps; infinite where every text does that can be in memory. */
function longest({ degree, factor }: Steps, most: number): number {
  if (degree === Number.POSITIVE_INFINITY || factor > most) return 0
  // One way for each place is what a search costs anyway.
  if (degree <= 1 && factor <= 200) return Number.POSITIVE_INFINITY
  return Math.floor((most / factor) ** (1 / degree))
}
