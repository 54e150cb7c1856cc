// The option `disabled_rules`: rules that are switched off one by one, and stay where they are in their options.
import { MidwireError, nearest } from '../errors.js'
import type { OptionValue } from '../options/definitions.js'

/** The options that are lists of rules. */
const WITH_RULES = ['modify_headers', 'modify_body', 'map_remote', 'map_local', 'block_list', 'throttle', 'via']

/** Gives a function that takes from the value of an option the rules that are switched off. Throws ERR_OPTION for an entry that names no such option. */
export function withoutDisabled(entries: readonly string[] = []): (option: string, value: OptionValue) => OptionValue {
  const disabled = new Map<string, Set<string>>()
  for (const entry of entries) {
    const [, option = '', rule = ''] = /^(\w+):(.+)$/s.exec(entry) ?? []
    if (!WITH_RULES.includes(option)) throw refusal(entry, option)
    const rules = disabled.get(option) ?? new Set()
    disabled.set(option, rules.add(rule))
  }
  return (option, value) => {
    const rules = disabled.get(option)
    if (!rules || !Array.isArray(value)) return value
    return (value as readonly string[]).filter((rule, at) => !rules.has(rule) && !rules.has(`${at + 1}`))
  }
}

function refusal(entry: string, option: string): MidwireError {
  const meant = nearest(option, WITH_RULES)
  const hint = meant ? `did you mean ${meant}:...?` : `the options with rules are ${WITH_RULES.join(', ')}`
  return new MidwireError(
    'ERR_OPTION',
    `disabled_rules: ${JSON.stringify(entry)} is not OPTION:RULE or OPTION:NUMBER; ${hint}`,
  )
}
