// The rules of an option as the page changes them: together with those that are switched off, in one step.
import { options, setOptions } from '../shell/options.js'

const listOf = (option: string): readonly string[] => {
  const value = options.value.get(option)?.value
  return Array.isArray(value) ? value : []
}

export interface Rule {
  readonly text: string
  readonly enabled: boolean
}

/** The option names them by their texts or by their places. */
export function rulesOf(option: string): Rule[] {
  const disabled = new Set(listOf('disabled_rules'))
  return listOf(option).map((text, at) => ({
    text,
    enabled: !disabled.has(`${option}:${text}`) && !disabled.has(`${option}:${at + 1}`),
  }))
}

/** Sets the rules of an option. Those that are switched off are named by their texts, which no change of places makes wrong. */
export async function setRules(option: string, rules: readonly Rule[]): Promise<void> {
  const others = listOf('disabled_rules').filter((entry) => !entry.startsWith(`${option}:`))
  const off = new Set(rules.filter(({ enabled }) => !enabled).map(({ text }) => `${option}:${text}`))
  await setOptions({
    [option]: rules.map(({ text }) => text),
    disabled_rules: [...others, ...off],
  })
}
