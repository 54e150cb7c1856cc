// Reads midwire's own options without a store: all of them, or one.
import { type GivenOptions, OPTIONS, type OptionName, type Options } from './definitions.js'
import { ownDefinition, unknownOption } from './names.js'
import { OptionStore } from './store.js'
import { readValue } from './values.js'

/** All options, with the default of each that is not given. Throws ERR_OPTION, which names the option and its possible values. */
export function readOptions(given: GivenOptions = {}): Options {
  const store = new OptionStore()
  store.update(given)
  store.begin()
  return store.snapshot
}

/**
 * The value of one of midwire's own options: from a text as `--set name=text` has it, or from a value of its own type.
 * Undefined, null and the empty text mean the default; `toggle`, for a boolean, means the opposite of `before`, or of the default.
 * `label` is the option's name in an error. Throws ERR_OPTION.
 */
export function parseOption(name: string, value: unknown, label = name, before?: unknown): Options[OptionName] {
  const definition = ownDefinition(name)
  if (!definition) throw unknownOption(name, Object.keys(OPTIONS))
  return readValue(definition, value, label, before as boolean | undefined) as Options[OptionName]
}
