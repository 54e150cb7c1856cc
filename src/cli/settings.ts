// What the options are in the end: config.yaml, then `--set`, then flags.
import {
  confdirOf,
  type GivenOptions,
  type GivenValue,
  MidwireError,
  OPTIONS,
  type OptionName,
  type Options,
  parseOption,
  readOptions,
  unknownOption,
} from '../index.js'
import type { Arguments } from './arguments.js'
import { readConfig } from './config.js'

type Places = ReadonlyMap<string, string>

export interface Settings {
  readonly confdir: string
  /** Midwire's own options. */
  readonly options: Options
  /** What is given for options of other names, which scripts may define. Empty where there are no scripts. */
  readonly others: GivenOptions
  /** Where the file gives those options that nothing else gives. */
  readonly places: Places
  /** What is left out of the file, and why. */
  readonly warnings: readonly string[]
}

/** Throws ERR_OPTION and ERR_ARGUMENT. */
export async function settle(args: Arguments, filter = ''): Promise<Settings> {
  // mitmproxy has it as an option: who says `--set confdir=DIR` has learnt it there.
  const inSets = args.sets.findLast((text) => text.startsWith('confdir='))?.slice('confdir='.length)
  const confdir = confdirOf(args.confdir ?? inSets)
  const { values, places, warnings } = await readConfig(confdir)
  const written = { ...values }
  addSets(values, args.sets)
  for (const [name, { flag, value }] of args.given) values[name] = parseOption(name, value, flag)
  addLevels(values, args)
  if (filter !== '') values.dumper_filter = filter
  for (const name of places.keys()) if (values[name] !== written[name]) places.delete(name)
  const isOwn = ([name]: readonly [string, unknown]) => Object.hasOwn(OPTIONS, name)
  const own = Object.fromEntries(Object.entries(values).filter(isOwn))
  const others = Object.entries(values).filter((one) => !isOwn(one))
  try {
    const options = readOptions(own)
    const [[unknown] = []] = others
    if (unknown !== undefined && options.scripts.length === 0) throw unknownOption(unknown)
    return { confdir, options, others: Object.fromEntries(others), places, warnings }
  } catch (error) {
    throw placed(error, places)
  }
}

/** Options of which errors do not say the name. */
const SUBJECTS: Record<string, OptionName | undefined> = { filter: 'dumper_filter', ERR_SCRIPT: 'scripts' }

/** What turns out to be wrong with an option only later, with the file and line that it stands in. */
export function placed(error: unknown, places: Places): unknown {
  if (!(error instanceof MidwireError)) return error
  const [, unknown, first] = /^(?:unknown option `([^`]*)`|(\w+))/.exec(error.message) ?? []
  const subject = unknown ?? first ?? ''
  const place = places.get(SUBJECTS[error.code] ?? SUBJECTS[subject] ?? subject)
  return place ? new MidwireError('ERR_OPTION', `${place}: ${error.message}`, { cause: error }) : error
}

/** The first `--set` of a list puts an end to the one in the file, further ones add to it. */
function addSets(values: GivenOptions, sets: readonly string[]): void {
  const begun = new Set<string>()
  for (const text of sets) {
    const equals = text.indexOf('=')
    const name = equals === -1 ? text : text.slice(0, equals)
    if (name === 'confdir' && equals !== -1) continue
    const before = Object.hasOwn(values, name) ? values[name] : undefined
    const given = equals === -1 ? switched(name) : text.slice(equals + 1)
    const isAgain = begun.has(name)
    begun.add(name)
    if (!Object.hasOwn(OPTIONS, name)) {
      // What it may be is known when scripts have defined it: a list, if it is given twice.
      const value = isAgain && before !== undefined ? [before, given].flat() : given
      Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true })
      continue
    }
    const value = parseOption(name, given, `--set ${name}`, before)
    const adds = Array.isArray(value) && Array.isArray(before) && isAgain && value.length > 0
    values[name] = adds ? [...before, ...value] : value
  }
}

/** `--set NAME` alone says true, and only a boolean can be that. */
function switched(name: string): GivenValue {
  const definition = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined
  if (!definition || definition.type === 'boolean') return true
  throw new MidwireError('ERR_ARGUMENT', `--set ${name} wants a value: --set ${name}=VALUE`)
}

/** -q and -v, where no flag of its own says otherwise. */
function addLevels(values: GivenOptions, { quiet, verbose, given }: Arguments): void {
  const level = verbose ? ['debug', 2] : quiet ? ['error', 0] : undefined
  if (!level) return
  if (!given.has('termlog_verbosity')) values.termlog_verbosity = level[0]
  if (!given.has('flow_detail')) values.flow_detail = level[1]
}
