// Options as they are given (by a program, a file, `--set`, a flag) become the values that the proxy reads.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { MidwireError, nearest } from '../errors.js'
import { type GivenOptions, OPTIONS, type OptionDefinition, type OptionName, type Options } from '../options.js'

/** Powers of 1024, as mitmproxy has them. */
const UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** An expression longer than this is a mistake. */
const MAX_EXPRESSION = 100_000

/** What a value should have been; the caller says of which option. */
class Wanted extends Error {
  /** The one of a list that is wrong. */
  one: unknown
}

/** All options, with defaults for what is not given. Throws ERR_OPTION, which names the option and what it takes. */
export function readOptions(given: GivenOptions = {}): Options {
  for (const name of Object.keys(given)) definitionOf(name)
  const values = Object.keys(OPTIONS).map((name) => [name, parseOption(name, given[name as OptionName])])
  const options = Object.fromEntries(values) as Options
  if (options.allow_hosts.length > 0 && options.ignore_hosts.length > 0) {
    throw new MidwireError('ERR_OPTION', 'allow_hosts and ignore_hosts exclude each other: give one of them')
  }
  for (const side of ['client', 'server'] as const) {
    const { [`tls_version_${side}_min` as const]: min, [`tls_version_${side}_max` as const]: max } = options
    if (max !== 'UNBOUNDED' && min > max) {
      throw new MidwireError('ERR_OPTION', `tls_version_${side}_min is ${min}, and tls_version_${side}_max is ${max}`)
    }
  }
  return options
}

/**
 * The value of one option: from a text as `--set name=text` has it, or from a value of its own type. Undefined, null and the
 * empty text mean the default; a boolean's `toggle` the opposite of `before`, or of the default. `label` is how an error names
 * the option. Throws ERR_OPTION.
 */
export function parseOption(name: string, value: unknown, label = name, before?: unknown): Options[OptionName] {
  const definition = definitionOf(name)
  const isEmpty = value === undefined || value === null || value === ''
  try {
    const toggled = value === 'toggle' && definition.type === 'boolean' ? !(before ?? definition.default) : value
    return READERS[definition.type](isEmpty ? definition.default : toggled, definition) as Options[OptionName]
  } catch (error) {
    if (!(error instanceof Wanted)) throw error
    throw new MidwireError('ERR_OPTION', `${label}: ${shown(error.one ?? value)} is not ${error.message}`)
  }
}

/** The definition of an option. Throws ERR_OPTION for a name that is none, with the one that is nearest. */
export function definitionOf(name: string): OptionDefinition {
  if (Object.hasOwn(OPTIONS, name)) return OPTIONS[name as OptionName]
  const meant = nearest(name.replaceAll('-', '_'), Object.keys(OPTIONS))
  const hint = meant ? `did you mean \`${meant}\`?` : '`midwire --options` lists them all'
  throw new MidwireError('ERR_OPTION', `unknown option ${quoted(name)}, ${hint}`)
}

/** The absolute path of a conf dir: the one given, else MIDWIRE_CONFDIR, else `~/.midwire`. */
export function confdirOf(given?: string): string {
  return resolve(expandHome(given || process.env.MIDWIRE_CONFDIR || '~/.midwire'))
}

type Reader = (value: unknown, definition: OptionDefinition) => unknown

const READERS: Record<OptionDefinition['type'], Reader> = {
  boolean(value) {
    if (typeof value === 'boolean') return value
    const text = typeof value === 'string' ? value.toLowerCase() : ''
    if (text === 'true' || text === 'false') return text === 'true'
    throw new Wanted('true, false or toggle')
  },
  integer(value, { range: [least, greatest] = [0, Number.MAX_SAFE_INTEGER] }) {
    if (value === undefined) return undefined
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
    if (Number.isInteger(number) && Number(number) >= least && Number(number) <= greatest) return number
    throw new Wanted(`a whole number from ${least} to ${greatest}`)
  },
  size(value, { range }) {
    if (value === undefined) return undefined
    const [, digits, unit = ''] = /^(\d{1,15})([kmgt]?)$/i.exec(String(value)) ?? []
    const bytes = Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS]
    const isSize = ['string', 'number'].includes(typeof value) && Number.isSafeInteger(bytes)
    if (isSize && (!range || (bytes >= range[0] && bytes <= range[1]))) return bytes
    const within = range ? ` from ${range[0]} to ${range[1]}` : ''
    throw new Wanted(`a number of bytes${within}, with or without k, m, g or t: 512k`)
  },
  string(value) {
    if (value === undefined) return undefined
    if (['string', 'number', 'boolean'].includes(typeof value)) return String(value)
    throw new Wanted('a text')
  },
  strings: (value) => listOf(value, (one) => READERS.string(one, OPTIONS.mode), 'a text, or a list of texts'),
  path(value) {
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.includes('\0')) throw new Wanted('a path')
    return expandHome(value)
  },
  paths: (value) => listOf(value, (one) => READERS.path(one, OPTIONS.scripts), 'a path, or a list of paths'),
  choice(value, { choices = [] }) {
    if (typeof value === 'string' && choices.includes(value)) return value
    throw new Wanted(`one of ${choices.join(', ')}`)
  },
  regexps: (value) => listOf(value, expression, 'a regular expression, or a list of them'),
}

/** One is a list of one; empty ones are none. */
function listOf(value: unknown, read: (one: unknown) => unknown, wanted: string): unknown[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.some((one) => typeof one === 'object' && !(one instanceof RegExp))) throw new Wanted(wanted)
  return list
    .filter((one) => one !== '')
    .map((one) => {
      try {
        return read(one)
      } catch (error) {
        if (error instanceof Wanted) error.one = one
        throw error
      }
    })
}

function expression(value: unknown): RegExp {
  if (value instanceof RegExp) return value
  if (typeof value !== 'string' || value.length > MAX_EXPRESSION) throw new Wanted('a regular expression')
  try {
    // Python's way to say what is so here anyway.
    return new RegExp(value.replace(/^\(\?i\)/, ''), 'i')
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: (\/.*\/i?: )?/s, '')
    throw new Wanted(`a regular expression: ${reason}`)
  }
}

/** `~/x` in the home directory. */
function expandHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path
}

/** A value in an error: on one line, and not without end. */
function shown(value: unknown): string {
  const text = value instanceof RegExp ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

const quoted = (name: string) =>
  `\`${name.length > 60 ? `${name.slice(0, 59)}…` : name}\``.replace(/\p{Cc}/gu, (one) =>
    JSON.stringify(one).slice(1, -1),
  )
