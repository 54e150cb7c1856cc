// The options of an output: those that it was made with, until one of them is changed while the proxy runs.
import type { ConfigureHook } from '../hooks.js'
import type { Options } from '../options/definitions.js'

/** The options `names` of an output, after a change. What was not changed stays as the output was given it. */
export function afterChange<Name extends keyof Options>(
  before: Pick<Options, Name>,
  names: readonly Name[],
  { options, changed }: ConfigureHook,
): Pick<Options, Name> {
  const after = { ...before }
  for (const name of names) if (changed.has(name)) after[name] = (options as Options)[name]
  return after
}
