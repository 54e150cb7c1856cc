// Reads JSON text token by token, and writes it with an entry a line: each number, string and key stays as it was written.
import { Page } from './page.js'
import { Tree } from './tree.js'

type Kind = '{' | '}' | '[' | ']' | ',' | ':' | 'string' | 'word' | 'end' | 'wrong'

/** A number or a literal; NaN and Infinity are no JSON, but some write them. */
const WORD = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity/y
/** White space; the separator of JSON sequences (RFC 7464) and a byte order mark count as such. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the separator is one
const SPACE = /[ \t\r\n\x1e\ufeff]*/y
/** What stands before JSON that is not to be run as a script. */
const GUARD = /^\s*(?:\)\]\}'?,?|while\s*\(1\);|for\s*\(;;\);)/

export class JsonReader {
  readonly text: string
  /** Where the token that was read last begins and ends. */
  start = 0
  end = 0

  constructor(text: string) {
    this.text = text
  }

  get token(): string {
    return this.text.slice(this.start, this.end)
  }

  next(): Kind {
    SPACE.lastIndex = this.end
    SPACE.test(this.text)
    this.start = SPACE.lastIndex
    this.end = this.start + 1
    const first = this.text[this.start]
    if (first === undefined) return 'end'
    if ('{}[],:'.includes(first)) return first as Kind
    if (first === '"') {
      this.end = stringEnd(this.text, this.start)
      return this.end === -1 ? this.#wrong() : 'string'
    }
    WORD.lastIndex = this.start
    if (!WORD.test(this.text)) return this.#wrong()
    this.end = WORD.lastIndex
    return 'word'
  }

  #wrong(): Kind {
    this.end = this.start
    return 'wrong'
  }
}

/** The end of a string; -1 where it has none. A line break in it is no JSON, but has only one meaning. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return at + 1
  }
  return -1
}

/**
 * Writes JSON texts, one after the other. From the first place on that is no JSON the rest is written as it is, with a line that says so.
 * Throws where not even the first token is JSON.
 */
export function writeJson(page: Page, text: string): void {
  const guard = GUARD.exec(text)?.[0] ?? ''
  if (guard !== '') page.line(guard.trim(), 'comment')
  const reader = new JsonReader(text)
  reader.end = guard.length
  const base = page.depth
  if (writeValues(page, reader)) return
  if (reader.start === guard.length + (/^\s*/.exec(text.slice(guard.length))?.[0].length ?? 0))
    throw new Error('it is no JSON')
  page.depth = base
  if (page.open) page.end()
  if (reader.start >= text.length) {
    page.line('(the JSON ends before it is complete)', 'comment')
    return
  }
  page.line(`(no JSON from character ${reader.start + 1} on)`, 'error')
  page.text(text.slice(reader.start))
}

/** Whether a text, or the beginning of a longer one (`cut`), is JSON. */
export function isJson(text: string, cut: boolean): boolean {
  const reader = new JsonReader(text)
  try {
    if (writeValues(new Page(Number.POSITIVE_INFINITY, () => {}), reader)) return true
  } catch {
    return true
  }
  // What is cut ends in a string without an end, or in half a word, or where something else would come.
  return cut && (text[reader.start] === '"' ? stringEnd(text, reader.start) === -1 : text.length - reader.start < 10)
}

/** What may come next: a value; behind a bracket or comma an entry; `after` an entry a comma or the end. */
type Want = 'value' | 'first' | 'next' | 'colon' | 'after'

/** False where it has met what is no JSON, at `reader.start`. */
function writeValues(page: Page, reader: JsonReader): boolean {
  const tree = new Tree(page)
  const open: Kind[] = []
  let want = 'value' as Want
  const done = () => {
    want = open.length > 0 ? 'after' : 'value'
    if (open.length === 0) page.end()
  }
  for (;;) {
    const kind = reader.next()
    const inside = open.at(-1)
    const isEntry = want === 'first' || want === 'next'
    if (kind === 'end') return open.length === 0
    if (kind === 'wrong') return false
    if (kind === ',') {
      if (want !== 'after') return false
      want = 'next'
    } else if (kind === ':') {
      if (want !== 'colon') return false
      tree.value(': ')
      want = 'value'
    } else if (kind === '}' || kind === ']') {
      if ((want !== 'first' && want !== 'after') || inside !== (kind === '}' ? '{' : '[')) return false
      open.pop()
      tree.close(kind)
      done()
    } else if (isEntry && inside === '{') {
      if (kind !== 'string') return false
      tree.entry()
      tree.value(reader.token, 'name')
      want = 'colon'
    } else {
      if (!isEntry && want !== 'value') return false
      if (isEntry) tree.entry()
      if (kind === '{' || kind === '[') {
        open.push(kind)
        tree.open(kind)
        want = 'first'
      } else {
        tree.value(reader.token, kind === 'string' ? 'string' : /^[-\d]/.test(reader.token) ? 'number' : 'literal')
        done()
      }
    }
  }
}

/** The members of an object as they are written, by their keys; undefined where the text is no object. Of equal keys the last counts. */
export function members(text: string): Map<string, string> | undefined {
  const reader = new JsonReader(text)
  if (reader.next() !== '{') return undefined
  const found = new Map<string, string>()
  for (let kind = reader.next(); kind !== '}'; kind = reader.next()) {
    if (kind === ',' && found.size > 0) kind = reader.next()
    if (kind !== 'string') return undefined
    const key = reader.token
    if (reader.next() !== ':') return undefined
    const value = valueText(reader)
    if (value === undefined) return undefined
    found.set(unquoted(key) ?? key, value)
  }
  return found
}

/** The elements of an array as they are written; undefined where the text is no array. */
export function elements(text: string): string[] | undefined {
  const reader = new JsonReader(text)
  if (reader.next() !== '[') return undefined
  const found: string[] = []
  for (;;) {
    const value = valueText(reader)
    if (value === undefined) return found.length === 0 && reader.token === ']' ? found : undefined
    found.push(value)
    const kind = reader.next()
    if (kind === ']') return found
    if (kind !== ',') return undefined
  }
}

/** The next value, as it is written; undefined where none comes, or it has no end. */
function valueText(reader: JsonReader): string | undefined {
  let kind = reader.next()
  const from = reader.start
  for (let depth = 0; ; kind = reader.next()) {
    if (kind === '{' || kind === '[') depth += 1
    else if (kind === '}' || kind === ']') depth -= 1
    else if (kind === 'end' || kind === 'wrong') return undefined
    if (depth < 0 || (depth === 0 && (kind === ',' || kind === ':'))) return undefined
    if (depth === 0) return reader.text.slice(from, reader.end)
  }
}

/** The text of a string as JSON writes it; undefined where it is none. */
export function unquoted(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
