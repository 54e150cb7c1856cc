// What the options are in the end: config.yaml, then `--set`, then flags.
import { confdirOf, MidwireError, OPTIONS, type OptionName, type Options, parseOption, readOptions } from '../index.js'
import type { Arguments } from './arguments.js'
import { type OptionValues, readConfig } from './config.js'

export interface Settings {
  readonly confdir: string
  readonly options: Options
}

/** Throws ERR_OPTION and ERR_ARGUMENT. */
export async function settle(args: Arguments, filter = ''): Promise<Settings> {
  // mitmproxy has it as an option: who says `--set confdir=DIR` has learnt it there.
  const inSets = args.sets.findLast((text) => text.startsWith('confdir='))?.slice('confdir='.length)
  const confdir = confdirOf(args.confdir ?? inSets)
  const values = await readConfig(confdir)
  addSets(values, args.sets)
  for (const [name, { flag, value }] of args.given) values[name] = parseOption(name, value, flag)
  addLevels(values, args)
  if (filter !== '') values.dumper_filter = filter
  return { confdir, options: readOptions(values as Partial<Options>) }
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
