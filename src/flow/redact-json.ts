// Takes the values of named fields out of JSON text, which may be cut, and leaves every other character as it is.

/** What stands in the place of a secret: a word that may stand in a header, a URL and a JSON text. */
export const REDACTED = 'REDACTED'

/** Fields that a path may begin with before it names the next: `..` of `$..name`. */
const DESCENT = Symbol('..')
const ANY = Symbol('*')

type Segment = string | typeof DESCENT | typeof ANY

/** The names that lead to a field from the top. Arrays count as their elements. */
export type FieldPath = readonly Segment[]

/** How far each path was followed: its number, and that of the next segment. */
type States = readonly (readonly [path: number, next: number])[]

const SEGMENT = /(\.\.?)(\*|[^.[\]'"*\s]+)|\['([^']*)'\]|\["([^"]*)"\]|\[\*\]/y

/** Reads `$.name`, `$.a.b`, `$.*.name`, `$..name`, `$['a b']`. Undefined for a text that is none of these. */
export function parseFieldPath(text: string): FieldPath | undefined {
  const path: Segment[] = []
  SEGMENT.lastIndex = 1
  while (SEGMENT.lastIndex < text.length) {
    const match = SEGMENT.exec(text)
    if (!match) return undefined
    const [whole, dots, name, ...quoted] = match
    if (dots === '..') path.push(DESCENT)
    if (name !== undefined) path.push(name === '*' ? ANY : name)
    else if (whole !== '[*]') path.push(quoted.find((one) => one !== undefined) ?? '')
  }
  return path.length > 0 ? path : undefined
}

/** What some servers put before JSON so that no script can read it. */
const GUARD = /^(?:\xef\xbb\xbf)?(?:\)\]\}'?,?|while ?\(1\);|for ?\(;;\);)?/
/** It stands before each text of a JSON sequence (RFC 7464). */
const RECORD_SEPARATOR = '\x1e'
/** What is neither a string nor a bracket: in JSON, and in any text. */
const JSON_BETWEEN = /(?:[\s,:]+|true|false|null|-?\d[\d.eE+-]*)*/y
const ANY_BETWEEN = /[^"{}[\]]*/y
const COLON = /\s*:\s*/y
const SCALAR = /[^\s,}\]]*/y

/**
 * JSON text, one after the other (JSON lines), in latin1: a character is a byte. With `strict` what stands behind the first character that is
 * no JSON is taken out, too: nobody knows what it is.
 */
export function redactJson(text: string, paths: readonly FieldPath[], strict: boolean): string {
  const top: States = paths.map((_, index) => [index, 0] as const)
  const stack: { readonly isObject: boolean; readonly states: States }[] = []
  let [out, copied, at] = ['', 0, GUARD.exec(text)?.[0].length ?? 0]
  const open = (states: States) => {
    stack.push({ isObject: text[at] === '{', states })
    at += 1
  }
  for (;;) {
    at = endOf(strict ? JSON_BETWEEN : ANY_BETWEEN, text, at)
    const character = text[at]
    if (character === undefined) return copied === 0 ? text : out + text.slice(copied)
    const inside = stack.at(-1)
    if (character === '"') {
      const end = endOfString(text, at)
      const value = endOf(COLON, text, end)
      const isName = inside?.isObject && value !== end
      const states = isName ? follow(paths, inside.states, nameOf(text.slice(at, end))) : []
      at = isName ? value : end
      if (states.some(([path, next]) => next === paths[path]?.length)) {
        out += `${text.slice(copied, at)}"${REDACTED}"`
        at = endOfValue(text, at)
        copied = at
      } else if (isName && /[{[]/.test(text[at] ?? '')) open(states)
    } else if (/[{[]/.test(character)) open(inside?.states ?? top)
    else if (/[}\]]/.test(character)) {
      stack.pop()
      at += 1
    } else if (character === RECORD_SEPARATOR) at += 1
    else return `${out}${text.slice(copied, at)}${REDACTED}`
  }
}

function follow(paths: readonly FieldPath[], states: States, name: string): States {
  const after: (readonly [number, number])[] = []
  for (const [path, next] of states) {
    const segments = paths[path] ?? []
    const isDescent = segments[next] === DESCENT
    if (isDescent) after.push([path, next])
    const own = isDescent ? next + 1 : next
    if (segments[own] === name || segments[own] === ANY) after.push([path, own + 1])
  }
  return after
}

/** The name in a string with its quotes. */
function nameOf(literal: string): string {
  const text = Buffer.from(literal, 'latin1').toString()
  try {
    return String(JSON.parse(text))
  } catch {
    return text.slice(1, -1)
  }
}

/** Where a string ends that begins at `from`: behind its quote, or at the end of a text that was cut. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return text.length
    let escapes = quote
    while (text[escapes - 1] === '\\') escapes -= 1
    if ((quote - escapes) % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function endOfValue(text: string, from: number): number {
  let [at, depth] = [from, 0]
  do {
    const character = text[at] as string | undefined
    if (character === undefined) return at
    if (character === '"') at = endOfString(text, at)
    else if (/[{[]/.test(character)) {
      depth += 1
      at += 1
    } else if (/[}\]]/.test(character)) {
      if (depth === 0) return at
      depth -= 1
      at += 1
    } else if (depth === 0) return endOf(SCALAR, text, at)
    else at = endOf(ANY_BETWEEN, text, at)
  } while (depth > 0)
  return at
}

/** Where a sticky expression, which matches anywhere at least nothing, ends; `from` where it does not match. */
function endOf(sticky: RegExp, text: string, from: number): number {
  sticky.lastIndex = from
  return sticky.test(text) ? sticky.lastIndex : from
}
