// What a view writes to: lines of styled parts, and a bound on them that ends the view.

/**
 * What a part of a line is, so that a terminal or a page can colour it. `name`: a key, a field, a tag. `mark`: a heading. `comment`: what
 * the view says by itself. `error`: what is wrong with the content.
 */
export type ViewStyle = 'name' | 'string' | 'number' | 'literal' | 'comment' | 'mark' | 'error'

/** A text, or a text with a style. It has no line break, but may have other control characters: outputs escape them. */
export type ViewPart = string | readonly [style: ViewStyle, text: string]

export type ViewLine = readonly ViewPart[]

/** Characters of a page, its lines and parts counting one each, whatever is asked for: about 300 MB of memory at the very worst. */
const MAX_CHARACTERS = 16 * 1024 * 1024
/** Lines of a page, whatever is asked for: as many as a hex dump of 3 MiB has. */
export const MAX_LINES = 200_000
/** Levels that are indented. Deeper ones stand as far to the right, so that the output of n brackets is no n * n spaces. */
const MAX_INDENTED = 24

/** Thrown where a page is full. It ends the view, and what was written is shown. */
export class PageFull extends Error {
  constructor() {
    super('the page is full')
    this.name = 'PageFull'
  }
}

/** Writes content that stands inside other content, a part of a form say, in the page of that. */
export type Nest = (page: Page, content: Buffer, contentType: string | undefined) => void

export class Page {
  readonly lines: ViewLine[] = []
  /** Levels by which the lines that begin now are indented, of two spaces each. */
  depth = 0
  readonly #most: number
  /** The innermost is the last. */
  readonly #nests: Nest[]
  #room = MAX_CHARACTERS
  #line: ViewPart[] = []

  /** At most `most` lines, and never more than 200,000. @internal */
  constructor(most: number, nest: Nest) {
    this.#most = Math.min(most, MAX_LINES)
    this.#nests = [nest]
  }

  /** Adds to the line that is being written; a line break ends it. Throws where the page is full: let that error pass. */
  text(text: string, style?: ViewStyle): void {
    let from = 0
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      this.#add(text.slice(from, at > from && text.charCodeAt(at - 1) === CR ? at - 1 : at), style)
      this.end()
      from = at + 1
    }
    this.#add(from === 0 ? text : text.slice(from), style)
  }

  /** Ends the line that is being written, also an empty one. */
  end(): void {
    this.lines.push(this.#line)
    this.#line = []
    this.step()
    if (this.lines.length >= this.#most) throw new PageFull()
  }

  /** Adds to the line, and ends it. */
  line(text = '', style?: ViewStyle): void {
    this.text(text, style)
    this.end()
  }

  /** A line of a name and what it has: `Name: value`. */
  field(name: string, value: string, style?: ViewStyle): void {
    this.text(name, 'name')
    this.text(': ')
    this.line(value, style)
  }

  /** Counts work that writes nothing, as if it had written `count` characters. */
  step(count = 1): void {
    this.#room -= count
    if (this.#room <= 0) throw new PageFull()
  }

  /** Writes content by the view that fits it best, indented as the page is. */
  nested(content: Buffer, contentType?: string): void {
    this.#nests.at(-1)?.(this, content, contentType)
  }

  /** What is nested from now on is written by `nest`, until `ascend` is called. */
  descend(nest: Nest): void {
    this.#nests.push(nest)
  }

  ascend(): void {
    this.#nests.pop()
  }

  /** Adds a whole line of parts. */
  add(line: ViewLine): void {
    for (const part of line) {
      if (typeof part === 'string') this.text(part)
      else this.text(part[1], part[0])
    }
    this.end()
  }

  /** Whether a line was begun and not ended. */
  get open(): boolean {
    return this.#line.length > 0
  }

  /** Ends the line where one was begun. The last call: what is written then is kept though the page is full. */
  close(): void {
    if (this.open) this.lines.push(this.#line)
    this.#line = []
  }

  /** Forgets the lines behind the first `count`, and the one that was begun. */
  truncate(count: number): void {
    this.lines.length = count
    this.#line = []
  }

  #add(text: string, style: ViewStyle | undefined): void {
    if (text === '') return
    const line = this.#line
    if (line.length === 0 && this.depth > 0) line.push('  '.repeat(Math.min(this.depth, MAX_INDENTED)))
    const shown = text.length > this.#room ? text.slice(0, this.#room) : text
    const last = line.at(-1)
    if (style) line.push([style, shown])
    else if (typeof last === 'string') line[line.length - 1] = last + shown
    else line.push(shown)
    this.step(text.length + 1)
  }
}

const CR = 13
