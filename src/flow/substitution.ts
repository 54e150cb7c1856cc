// Replaces what a regular expression finds, as Python's `re.sub` does: `\1` and `\g<name>` in the replacement are groups.
import { patternOf, type RegexpKind } from './filter-regexp.js'

/** Finds and replaces. Neither throws. */
export interface Substitution {
  /** The first match with its groups; undefined where there is none. */
  find(text: string): RegExpExecArray | undefined
  /** The text with every match replaced; the text itself where there is none. */
  replace(text: string): string
}

/** A part of a replacement: a text, or the group whose match stands there. */
type Part = string | { readonly group: number | string }

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' },
}

/** `\g<name>`, `\0` and octal numbers, `\12`, `\x41`, and a backslash before any other character. */
const ESCAPE = /\\(?:g<([^>]*)>|(0[0-7]{0,2}|[0-3][0-7]{2})|([1-9]\d?)|x([0-9a-fA-F]{2})|([\s\S]?))/g

/**
 * Compiles an expression and the replacement of its matches. With `literal` the replacement has no groups and escapes. Throws a
 * SyntaxError for an expression or a replacement that is wrong.
 */
export function compileSubstitution(
  source: string,
  kind: RegexpKind,
  replacement: string | { readonly literal: () => string },
): Substitution {
  const regexp = patternOf(source, kind)
  const all = patternOf(source, kind, 'g')
  const write = typeof replacement === 'string' ? writerOf(replacement, regexp, kind) : replacement.literal
  return {
    find: (text) => unlessTooDeep(() => regexp.exec(text) ?? undefined, undefined),
    replace: (text) => unlessTooDeep(() => text.replace(all, (...found) => write(found)), text),
  }
}

/** An expression may run out of stack while it goes back over a long text: then it has found nothing. */
function unlessTooDeep<T>(work: () => T, nothing: T): T {
  try {
    return work()
  } catch {
    return nothing
  }
}

/** The function that writes a replacement. It gets the arguments of `String.replace`'s function. */
function writerOf(text: string, regexp: RegExp, kind: RegexpKind): (found: readonly unknown[]) => string {
  const groups = new RegExp(`${regexp.source}|`, regexp.flags).exec('') as RegExpExecArray
  const parts = partsOf(kind.bytes ? Buffer.from(text).toString('latin1') : text)
  for (const part of parts) {
    if (typeof part === 'string') continue
    const { group } = part
    const isThere = typeof group === 'number' ? group < groups.length : Object.hasOwn(groups.groups ?? {}, group)
    if (!isThere) throw new SyntaxError(`the expression has no group ${group}, which the replacement names`)
  }
  return (found) => {
    const names = found.at(-1) as Record<string, string | undefined>
    const values = parts.map((part) => {
      if (typeof part === 'string') return part
      return (typeof part.group === 'number' ? found[part.group] : names[part.group]) ?? ''
    })
    return values.join('')
  }
}

function partsOf(text: string): Part[] {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(ESCAPE)) {
    parts.push(text.slice(at, match.index), partOf(match))
    at = match.index + match[0].length
  }
  parts.push(text.slice(at))
  return parts.filter((part) => part !== '')
}

function partOf([whole, name, octal, number, hexadecimal, letter = '']: RegExpExecArray | RegExpMatchArray): Part {
  if (name !== undefined) {
    if (!/^(\d{1,2}|[\p{L}_][\p{L}\p{N}_]*)$/u.test(name)) throw new SyntaxError(`\\g<${name}> names no group`)
    return { group: /^\d/.test(name) ? Number(name) : name }
  }
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
  if (number !== undefined) return { group: Number(number) }
  if (hexadecimal !== undefined) return String.fromCharCode(Number.parseInt(hexadecimal, 16))
  const escaped = ESCAPES[letter]
  if (escaped !== undefined) return escaped
  if (letter === '' || /[A-Za-z]/.test(letter))
    throw new SyntaxError(`the replacement has ${whole}, which means nothing`)
  return whole as string
}
