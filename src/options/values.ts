// Converts the values that a program, a file, `--set` or a flag gives for options into the values that midwire reads.
import { MidwireError } from '../errors.js'
import { BoundedRegExp } from '../regexp/bounded.js'
import type { OptionDefinition, OptionValue } from './definitions.js'
import { expandHome } from './paths.js'

/** The units of sizes: powers of 1024, as in mitmproxy. */
const UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** The most characters of a regular expression. */
const MAX_EXPRESSION = 100_000

/** Thrown for a wrong value. The message says what the value should be, such as `a path`; `readValue` adds the option's name. */
class WrongValue extends Error {
  /** The wrong entry, where the value is a list. */
  entry: unknown
}

/**
 * The value of an option: from a text as `--set name=text` has it, or from a value of its own type. Undefined, null and the
 * empty text mean the default; `toggle`, for a boolean, means the opposite of `before`, or of the default. `label` is the option's
 * name in an error. Throws ERR_OPTION.
 */
export function readValue(
  definition: OptionDefinition,
  value: unknown,
  label: string,
  before?: OptionValue,
): OptionValue {
  const isEmpty = value === undefined || value === null || value === ''
  try {
    const toggled = value === 'toggle' && definition.type === 'boolean' ? !(before ?? definition.default) : value
    return READERS[definition.type](isEmpty ? definition.default : toggled, definition)
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    throw new MidwireError('ERR_OPTION', `${label}: ${shown(error.entry ?? value)} is not ${error.message}`)
  }
}

/** Whether two values of one option are the same. */
export function sameValue(one: OptionValue, other: OptionValue): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((entry, index) => String(entry) === String(other[index]))
}

type Reader<T extends OptionValue = OptionValue> = (
  value: unknown,
  definition: Pick<OptionDefinition, 'range' | 'choices'>,
) => T

const text: Reader<string | undefined> = (value) => {
  if (value === undefined) return undefined
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value)
  throw new WrongValue('a text')
}

const path: Reader<string | undefined> = (value) => {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value.includes('\0')) throw new WrongValue('a path')
  return expandHome(value)
}

/** The types that a definition may have, each with the function that reads its values. */
export const READERS: Record<OptionDefinition['type'], Reader> = {
  boolean(value) {
    if (typeof value === 'boolean') return value
    const word = typeof value === 'string' ? value.toLowerCase() : ''
    if (word === 'true' || word === 'false') return word === 'true'
    throw new WrongValue('true, false or toggle')
  },
  integer(value, { range: [least, greatest] = [0, Number.MAX_SAFE_INTEGER] }) {
    if (value === undefined) return undefined
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
    if (Number.isInteger(number) && Number(number) >= least && Number(number) <= greatest) return number as number
    throw new WrongValue(`a whole number from ${least} to ${greatest}`)
  },
  size(value, { range }) {
    if (value === undefined) return undefined
    const [, digits, unit = ''] = /^(\d{1,15})([kmgt]?)$/i.exec(String(value)) ?? []
    const bytes = Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS]
    const isSize = ['string', 'number'].includes(typeof value) && Number.isSafeInteger(bytes)
    if (isSize && (!range || (bytes >= range[0] && bytes <= range[1]))) return bytes
    const within = range ? ` from ${range[0]} to ${range[1]}` : ''
    throw new WrongValue(`a number of bytes${within}, with or without k, m, g or t: 512k`)
  },
  string: text,
  strings: (value) => listOf(value, (one) => text(one, {}) ?? '', 'a text, or a list of texts'),
  path,
  paths: (value) => listOf(value, (one) => path(one, {}) ?? '', 'a path, or a list of paths'),
  choice(value, { choices = [] }) {
    if (typeof value === 'string' && choices.includes(value)) return value
    throw new WrongValue(`one of ${choices.join(', ')}`)
  },
  regexps: (value) => listOf(value, expression, 'a regular expression, or a list of them'),
}

/** Reads a list into a new, frozen list without empty entries. A value that is no list is read as the one entry of a list. */
function listOf<T>(value: unknown, read: (one: unknown) => T, wanted: string): readonly T[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.some((one) => typeof one === 'object' && !(one instanceof RegExp))) throw new WrongValue(wanted)
  const values = list
    .filter((one) => one !== '' && one !== undefined)
    .map((one) => {
      try {
        return read(one)
      } catch (error) {
        if (error instanceof WrongValue) error.entry = one
        throw error
      }
    })
  return Object.freeze(values)
}

function expression(value: unknown): RegExp {
  if (value instanceof BoundedRegExp) return value
  const isMade = value instanceof RegExp
  if (!isMade && (typeof value !== 'string' || value.length > MAX_EXPRESSION))
    throw new WrongValue('a regular expression')
  try {
    // A file of mitmproxy's may have Python's `(?i)`, which every expression here means anyway.
    return isMade ? new BoundedRegExp(value) : new BoundedRegExp(value.replace(/^\(\?i\)/, ''), 'i')
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: (\/.*\/i?: )?/s, '')
    throw new WrongValue(`a regular expression: ${reason}`)
  }
}

/** A value as errors show it: on one line, and with at most 60 characters. */
export function shown(value: unknown): string {
  const written = value instanceof RegExp ? String(value) : (safeJson(value) ?? String(value))
  return written.length > 60 ? `${written.slice(0, 59)}…` : written
}

/** A value as JSON, or, for a BigInt or a circular object, which JSON refuses, the value's type. */
function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return `a value of type ${typeof value}`
  }
}
