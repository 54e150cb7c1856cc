// What the options are in the end: config.yaml, then `--set`, then flags.
import { confdirOf, MidwireError, OPTIONS, type OptionName, type Options, parseOption, readOptions } from '../index.js'
import type { Arguments } from './arguments.js'
import { type OptionValues, type Places, readConfig } from './config.js'

export interface Settings {
  readonly confdir: string
  readonly options: Options
  /** Where the file gives those options that nothing else gives. */
  readonly places: Places
}

/** Throws ERR_OPTION and ERR_ARGUMENT. */
export async function settle(args: Arguments, filter = ''): Promise<Settings> {
  // mitmproxy has it as an option: who says `--set confdir=DIR` has learnt it there.
  const inSets = args.sets.findLast((text) => text.startsWith('confdir='))?.slice('confdir='.length)
  const confdir = confdirOf(args.confdir ?? inSets)
  const places: Places = new Map()
  const values = await readConfig(confdir, places)
  const written = { ...values }
  addSets(values, args.sets)
  for (const [name, { flag, value }] of args.given) values[name] = parseOption(name, value, flag)
  addLevels(values, args)
  if (filter !== '') values.dumper_filter = filter
  for (const name of places.keys()) {
    if (values[name as OptionName] !== written[name as OptionName]) places.delete(name)
  }
  try {
    return { confdir, options: readOptions(values as Partial<Options>), places }
  } catch (error) {
    throw placed(error, places)
  }
}

/** Options of which errors do not say the name. */
const SUBJECTS: Record<string, OptionName | undefined> = { filter: 'dumper_filter', ERR_SCRIPT: 'scripts' }

/** What turns out to be wrong with an option only later, with the file and line that it stands in. */
export function placed(error: unknown, places: Places): unknown {
  if (!(error instanceof MidwireError)) return error
  const subject = /^\w+/.exec(error.message)?.[0] ?? ''
  const place = places.get(SUBJECTS[error.code] ?? SUBJECTS[subject] ?? subject)
  return place ? new MidwireError('ERR_OPTION', `${place}: ${error.message}`, { cause: error }) : error
}

/** The first `--set` of a list puts an end to the one in the file, further ones add to it. */
function addSets(values: OptionValues, sets: readonly string[]): void {
  const begun = new Set<string>()
  for (const text of sets) {
    const equals = text.indexOf('=')
    const name = equals === -1 ? text : text.slice(0, equals)
    if (name === 'confdir' && equals !== -1) continue
    const before = Object.hasOwn(values, name) ? values[name as OptionName] : undefined
    const value = parseOption(name, equals === -1 ? switched(name) : text.slice(equals + 1), `--set ${name}`, before)
    const adds = Array.isArray(value) && Array.isArray(before) && begun.has(name) && value.length > 0
    values[name as OptionName] = adds ? [...before, ...value] : value
    begun.add(name)
  }
}

/** `--set NAME` alone says true, and only a boolean can be that. */
function switched(name: string): unknown {
  const definition = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined
  if (!definition || definition.type === 'boolean') return true
  throw new MidwireError('ERR_ARGUMENT', `--set ${name} wants a value: --set ${name}=VALUE`)
}

/** -q and -v, where no flag of its own says otherwise. */
function addLevels(values: OptionValues, { quiet, verbose, given }: Arguments): void {
  const level = verbose ? ['debug', 2] : quiet ? ['error', 0] : undefined
  if (!level) return
  if (!given.has('termlog_verbosity')) values.termlog_verbosity = level[0]
  if (!given.has('flow_detail')) values.flow_detail = level[1]
}
