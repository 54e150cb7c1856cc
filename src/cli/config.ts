// Reads config.yaml of the conf dir: options by their names. An error names the file and the line.
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, Parser, parseDocument } from 'yaml'
import {
  foreignOption,
  type GivenOptions,
  type GivenValue,
  MidwireError,
  OPTIONS,
  type OptionName,
  parseOption,
} from '../index.js'

/** The most bytes of a file, more than any configuration has. The worst text of this length keeps the parser busy for a second. */
const MAX_LENGTH = 128 * 1024

/** The deepest nesting that is read. Options need one level, for lists; a text of thousands would take the parser's whole stack. */
const MAX_DEPTH = 20

/** Our messages for errors of the parser that are written for programmers. */
const MESSAGES: Record<string, string | undefined> = {
  DUPLICATE_KEY: 'this option stands above already: give it once',
  MULTIPLE_DOCS: 'a second document begins here (---): give one',
}

/** The options of a file. */
export interface Config {
  /** midwire's own options, checked. Options of other names, which a script may define, are as the file has them. */
  readonly values: GivenOptions
  /** The place of each option: `file:line`. */
  readonly places: Map<string, string>
  /** File, line and reason for each option that is left out because it is one of mitmproxy that midwire does not have. */
  readonly warnings: readonly string[]
}

/** Reads the conf dir's config.yaml (or .yml). Without that file there are no options. Throws ERR_OPTION with file and line. */
export async function readConfig(confdir: string): Promise<Config> {
  for (const name of ['config.yaml', 'config.yml']) {
    const path = join(confdir, name)
    try {
      return parseConfig(path, await readFile(path))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (error instanceof MidwireError) throw error
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        throw new MidwireError('ERR_OPTION', `${path} cannot be read: ${message}`, { cause: error })
      }
    }
  }
  return nothing()
}

const nothing = (): Config => ({ values: {}, places: new Map(), warnings: [] })

/** Throws ERR_OPTION, with a message of one line, for bytes that are no configuration. */
export function parseConfig(path: string, bytes: Buffer): Config {
  if (bytes.length > MAX_LENGTH) throw at(path, 1, `the file has ${bytes.length} bytes, more than ${MAX_LENGTH}`)
  const text = decode(path, bytes)
  const counter = new LineCounter()
  try {
    return read(path, text, counter)
  } catch (error) {
    if (error instanceof MidwireError) throw error
    // The parser may throw for a text that it was not written for.
    throw at(path, 1, `the file cannot be read: ${(error as Error).message}`)
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    let line = 1
    // Each line is checked by itself, because the byte of a newline is never a part of another character.
    for (let from = 0; from < bytes.length; line++) {
      const next = bytes.indexOf(10, from)
      const end = next === -1 ? bytes.length : next + 1
      const part = bytes.subarray(from, end)
      if (!Buffer.from(part.toString()).equals(part)) break
      from = end
    }
    throw at(path, line, 'the file is not UTF-8')
  }
}

function read(path: string, text: string, counter: LineCounter): Config {
  const deep = tooDeep(text)
  if (deep !== undefined) throw at(path, text.slice(0, deep).split('\n').length, 'the file is nested too deeply')
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'error' })
  const [error] = document.errors
  if (error)
    throw at(path, counter.linePos(error.pos[0]).line, MESSAGES[error.code] ?? `the file is not YAML: ${error.message}`)
  const { contents } = document
  const lineOf = (node: unknown) => {
    const range = (node as Node | undefined)?.range
    return range ? Math.max(1, counter.linePos(range[0]).line) : 1
  }
  if (contents === null || (isScalar(contents) && contents.value === null)) return nothing()
  if (!isMap(contents)) throw at(path, lineOf(contents), 'the file is not a list of options, each `name: value`')
  const values: GivenOptions = {}
  const places = new Map<string, string>()
  const warnings: string[] = []
  for (const { key, value } of contents.items) {
    const line = lineOf(key)
    if (!isScalar(key)) throw at(path, line, 'the name of an option is a word')
    const name = String(key.value)
    const foreign = foreignOption(name)
    if (foreign !== undefined) {
      warnings.push(`${path}:${line}: ${name} is left out: ${foreign}`)
      continue
    }
    try {
      Object.defineProperty(values, name, { value: valueIn(path, name, plain(value, document)), ...OWN })
      places.set(name, `${path}:${line}`)
    } catch (error) {
      throw error instanceof MidwireError ? at(path, line, error.message) : error
    }
  }
  return { values, places, warnings }
}

/** Properties are defined and not assigned, because the name of an option may be `__proto__`. */
const OWN = { enumerable: true, configurable: true, writable: true } as const

interface Token {
  readonly offset?: number
  readonly value?: unknown
  readonly items?: readonly { readonly key?: unknown; readonly value?: unknown }[]
}

/** The offset at which a text is nested deeper than MAX_DEPTH; undefined for none. Neither `Parser` nor this function is recursive. */
function tooDeep(text: string): number | undefined {
  const waiting: { token: Token; depth: number }[] = []
  const add = (token: unknown, depth: number) => {
    if (typeof token === 'object' && token !== null) waiting.push({ token, depth })
  }
  for (const token of new Parser().parse(text)) add(token, 0)
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { token, depth } = next
    if (depth > MAX_DEPTH) return token.offset ?? 0
    add(token.value, depth + 1)
    for (const item of token.items ?? []) {
      add(item.key, depth + 1)
      add(item.value, depth + 1)
    }
  }
  return undefined
}

/** The value of a scalar, or the values of a list. A node of another kind is returned as it is, and no option accepts it. */
function plain(node: unknown, document: Document): unknown {
  const target = followed(node, document)
  if (isScalar(target)) return target.value
  if (!isSeq(target)) return target ?? undefined
  return target.items.map((item) => {
    const one = followed(item, document)
    return isScalar(one) ? one.value : one
  })
}

function followed(node: unknown, document: Document): unknown {
  if (!isAlias(node)) return node
  const target = node.resolve(document)
  if (!target) throw new MidwireError('ERR_OPTION', `the alias *${node.source} names nothing`)
  return target
}

/** The value of an option. A relative path starts at the folder of the file. */
function valueIn(path: string, name: string, given: unknown): GivenValue {
  if (!Object.hasOwn(OPTIONS, name)) return given as GivenValue
  const value = parseOption(name, given)
  const from = (one: unknown) => (typeof one === 'string' ? resolve(dirname(path), one) : one)
  const { type } = OPTIONS[name as OptionName]
  if (type === 'paths') return (value as unknown[]).map(from) as string[]
  return type === 'path' ? (from(value) as string | undefined) : value
}

/** An error about a line of the file. The message is one line, even where the parser quotes several. */
function at(path: string, line: number, what: string): MidwireError {
  const text = what.replace(/\p{Cc}+/gu, ' ')
  return new MidwireError('ERR_OPTION', `${path}:${line}: ${text.length > 300 ? `${text.slice(0, 299)}…` : text}`)
}
