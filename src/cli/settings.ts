// Puts the options together: those of config.yaml, then those of `--set`, then those of flags.
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
  /** midwire's own options. */
  readonly options: Options
  /** Values for options of other names, which scripts may define. Empty where there are no scripts. */
  readonly others: GivenOptions
  /** The places in config.yaml of the options whose values come from there. */
  readonly places: Places
  /** The options of config.yaml that are left out, each with the reason. */
  readonly warnings: readonly string[]
}

/** `defaults`: the values of options that are given nowhere. Throws ERR_OPTION and ERR_ARGUMENT. */
export async function settle(args: Arguments, filter = '', defaults: GivenOptions = {}): Promise<Settings> {
  // confdir is an option in mitmproxy, so its users write `--set confdir=DIR`.
  const inSets = args.sets.findLast((text) => text.startsWith('confdir='))?.slice('confdir='.length)
  const confdir = confdirOf(args.confdir ?? inSets)
  const { values, places, warnings } = await readConfig(confdir)
  const written = { ...values }
  addSets(values, args.sets)
  for (const [name, { flag, value }] of args.given) values[name] = parseOption(name, value, flag)
  addLevels(values, args)
  if (filter !== '')
    Object.assign(values, { save_stream_filter: filter, readfile_filter: filter, dumper_filter: filter })
  for (const name of places.keys()) if (values[name] !== written[name]) places.delete(name)
  for (const [name, value] of Object.entries(defaults)) values[name] ??= value
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

/** The options whose errors do not begin with their names, by the first words or the code of these errors. */
const SUBJECTS: Record<string, OptionName | undefined> = {
  filter: 'dumper_filter',
  'filter: via': 'via',
  'via entry': 'via',
  via: 'mode',
  ERR_SCRIPT: 'scripts',
}

/** Adds file and line to an error about an option of config.yaml that was found only after the file was read. */
export function placed(error: unknown, places: Places): unknown {
  if (!(error instanceof MidwireError)) return error
  const [, unknown, first] = /^(?:unknown option `([^`]*)`|(filter: via|via entry|\w+))/.exec(error.message) ?? []
  const subject = unknown ?? first ?? ''
  const place = places.get(SUBJECTS[error.code] ?? SUBJECTS[subject] ?? subject)
  return place ? new MidwireError('ERR_OPTION', `${place}: ${error.message}`, { cause: error }) : error
}

/** Adds the values of `--set`. For a list the first `--set` replaces the file's value, and further ones add to the list. */
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
      // The type is known only when a script has defined the option. An option that is given twice becomes a list.
      const value = isAgain && before !== undefined ? [before, given].flat() : given
      Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true })
      continue
    }
    const value = parseOption(name, given, `--set ${name}`, before)
    const adds = Array.isArray(value) && Array.isArray(before) && isAgain && value.length > 0
    values[name] = adds ? [...before, ...value] : value
  }
}

/** The value of `--set NAME` alone: true, for a boolean and for an option that a script may define. Throws ERR_ARGUMENT for others. */
function switched(name: string): GivenValue {
  const definition = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined
  if (!definition || definition.type === 'boolean') return true
  throw new MidwireError('ERR_ARGUMENT', `--set ${name} wants a value: --set ${name}=VALUE`)
}

/** Adds the levels of -q and -v, except those that have a flag of their own. */
function addLevels(values: GivenOptions, { quiet, verbose, given }: Arguments): void {
  const level = verbose ? ['debug', 2] : quiet ? ['error', 0] : undefined
  if (!level) return
  if (!given.has('termlog_verbosity')) values.termlog_verbosity = level[0]
  if (!given.has('flow_detail')) values.flow_detail = level[1]
}
