// Reads a regular expression of JavaScript's into a tree: what its cost is found from, and what the linear search is compiled from.

/**
 * `start`, `end` and `last-line` are the ends of the text, the last of them also before a newline there. `newline-start` and `newline-end` are the ends of
 * lines where these end with a newline alone, as Python has it.
 */
export type Place =
  | 'line-start'
  | 'line-end'
  | 'newline-start'
  | 'newline-end'
  | 'word-edge'
  | 'no-word-edge'
  | 'start'
  | 'end'
  | 'last-line'

export type Node =
  /** One character of a text: a literal, a class or an escape, as it is written. */
  | { readonly type: 'character'; readonly source: string }
  | { readonly type: 'place'; readonly place: Place }
  /** `index`: the number of a group that captures. */
  | { readonly type: 'group'; readonly node: Node; readonly index: number | undefined }
  | { readonly type: 'sequence'; readonly parts: readonly Node[] }
  | { readonly type: 'choice'; readonly branches: readonly Node[] }
  | {
      readonly type: 'repeat'
      readonly node: Node
      readonly least: number
      readonly most: number
      readonly lazy: boolean
    }
  /** A lookahead or lookbehind. */
  | { readonly type: 'look'; readonly node: Node }
  | { readonly type: 'backreference' }

export interface Tree {
  readonly root: Node
  /** The number of groups that capture. */
  readonly groups: number
  /** It has something that the linear search does not know: lookaround, backreferences, flags within it, code points. */
  readonly isPlain: boolean
}

/** The ends of a text as filters write them, whatever the flags are. */
const ENDS: readonly (readonly [text: string, place: Place])[] = [
  ['(?<![\\s\\S])', 'start'],
  ['(?![\\s\\S])', 'end'],
  ['(?=\\n?(?![\\s\\S]))', 'last-line'],
  ['(?<![^\\n])', 'newline-start'],
  ['(?![^\\n])', 'newline-end'],
]

/** The most groups in each other: each is a call on the stack. */
const MAX_DEPTH = 500

const QUANTIFIER = /(?:[*+?]|\{(\d+)(,(\d*))?\})(\??)/y
const GROUP = /\((?:\?(?:(:)|(<?[=!])|<[^>]*>|([a-z-]+):))?/y
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[a-zA-Z]|[0-3][0-7]{2}|[0-7]{1,2}|[\s\S])/y
const CODE_POINT = /\\(?:u\{[0-9a-fA-F]+\}|[pP]\{[^}]*\})/y
const BACKREFERENCE = /\\(?:k<[^>]*>|[1-9]\d*)/y

/** Reads an expression that JavaScript has accepted. Throws a SyntaxError where it has too many groups in each other. */
export function readTree({ source, flags }: RegExp): Tree {
  return new Reader(source, flags).read()
}

class Reader {
  readonly #source: string
  readonly #points: boolean
  readonly #nested: boolean
  readonly #lines: boolean
  readonly #all: number
  #at = 0
  #groups = 0
  #depth = 0
  #isPlain: boolean

  constructor(source: string, flags: string) {
    this.#source = source
    this.#points = /[uv]/.test(flags)
    this.#nested = flags.includes('v')
    this.#lines = flags.includes('m')
    this.#isPlain = !this.#points
    // A number behind a backslash is a backreference only where there are so many groups.
    this.#all = [
      ...source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]/g, '').matchAll(/\((?!\?)|\(\?<(?![=!])/g),
    ].length
  }

  read(): Tree {
    const root = this.#choice()
    return { root, groups: this.#groups, isPlain: this.#isPlain }
  }

  #choice(): Node {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError(`there are more than ${MAX_DEPTH} groups in each other`)
    const branches = [this.#sequence()]
    while (this.#source[this.#at] === '|') {
      this.#at++
      branches.push(this.#sequence())
    }
    this.#depth--
    return branches.length === 1 ? (branches[0] as Node) : { type: 'choice', branches }
  }

  #sequence(): Node {
    const parts: Node[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] as string)) {
      parts.push(this.#quantified(this.#term()))
    }
    return parts.length === 1 ? (parts[0] as Node) : { type: 'sequence', parts }
  }

  #quantified(node: Node): Node {
    const found = this.#take(QUANTIFIER)
    if (!found) return node
    const [text, exactly, comma, upTo, lazy] = found
    const least = exactly !== undefined ? Number(exactly) : text.startsWith('+') ? 1 : 0
    const greatest = exactly === undefined ? (text.startsWith('?') ? 1 : Number.POSITIVE_INFINITY) : least
    const most = comma === undefined ? greatest : upTo ? Number(upTo) : Number.POSITIVE_INFINITY
    return { type: 'repeat', node, least, most, lazy: lazy !== '' }
  }

  #term(): Node {
    const next = this.#source[this.#at] as string
    if (next === '(') return this.#group()
    if (next === '[') return this.#class()
    if (next === '\\') return this.#escape()
    this.#at++
    if (next === '^') return { type: 'place', place: this.#lines ? 'line-start' : 'start' }
    if (next === '$') return { type: 'place', place: this.#lines ? 'line-end' : 'end' }
    return { type: 'character', source: '{}]/'.includes(next) ? `\\${next}` : next }
  }

  #group(): Node {
    for (const [text, place] of ENDS) {
      if (!this.#source.startsWith(text, this.#at)) continue
      this.#at += text.length
      return { type: 'place', place }
    }
    const [text, plain, look, flags] = this.#take(GROUP) as RegExpExecArray
    const captures = text === '(' || text.endsWith('>')
    const index = captures ? ++this.#groups : undefined
    if (look || flags) this.#isPlain = false
    const node = this.#choice()
    this.#at++
    if (look) return { type: 'look', node }
    return plain || captures || flags ? { type: 'group', node, index } : node
  }

  #class(): Node {
    const start = this.#at
    let depth = 0
    do {
      const next = this.#source[this.#at]
      if (next === '\\') this.#at++
      else if (next === '[' && (depth === 0 || this.#nested)) depth++
      else if (next === ']') depth--
      this.#at++
    } while (depth > 0 && this.#at < this.#source.length)
    return { type: 'character', source: this.#source.slice(start, this.#at) }
  }

  #escape(): Node {
    const next = this.#source[this.#at + 1]
    if (next === 'b' || next === 'B') {
      this.#at += 2
      return { type: 'place', place: next === 'b' ? 'word-edge' : 'no-word-edge' }
    }
    const number = Number(/^[1-9]\d*/.exec(this.#source.slice(this.#at + 1, this.#at + 10))?.[0] ?? 0)
    if (next === 'k' || (number > 0 && number <= this.#all)) {
      if (this.#take(BACKREFERENCE)) {
        this.#isPlain = false
        return { type: 'backreference' }
      }
    }
    const point = this.#points ? this.#take(CODE_POINT) : undefined
    if (point) return { type: 'character', source: point[0] }
    // `\c` without a letter is a backslash, and then a c.
    if (next === 'c' && !/^[a-z]/i.test(this.#source[this.#at + 2] ?? '')) {
      this.#at++
      return { type: 'character', source: '\\\\' }
    }
    return { type: 'character', source: (this.#take(ESCAPE) as RegExpExecArray)[0] }
  }

  #take(what: RegExp): RegExpExecArray | undefined {
    what.lastIndex = this.#at
    const found = what.exec(this.#source) ?? undefined
    if (found) this.#at += found[0].length
    return found
  }
}
