// Rules of options, `/FILTER/SUBJECT/REPLACEMENT`: the first character of a rule separates its parts.
import { MidwireError } from '../errors.js'
import { type FlowFilter, parseFilter, seeksBodies } from './filter.js'

/** A rule with a subject and what is put in its place. */
export interface Rule {
  /** The flows that the rule is for: all, where the rule names no filter. */
  readonly matches: FlowFilter
  /** The filter asks for bodies. */
  readonly seeksBodies: boolean
  readonly subject: string
  readonly replacement: string
}

/** The parts of a rule, `most` of them at most: the last one may have the separator in it. */
export function partsOf(text: string, most: number): string[] {
  const [separator = ''] = text
  if (separator === '') return []
  const parts = text.slice(separator.length).split(separator)
  return parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)]
}

/** Reads `/[FILTER/]SUBJECT/REPLACEMENT`. `label` says which rule this is in an error. Throws ERR_OPTION and ERR_FILTER. */
export function parseRule(text: string, label: string): Rule {
  const parts = partsOf(text, 3)
  const [subject = '', replacement = ''] = parts.slice(-2)
  if (parts.length < 2 || subject === '') {
    const reason =
      'a rule is /SUBJECT/REPLACEMENT or /FILTER/SUBJECT/REPLACEMENT, and its first character separates the parts'
    throw new MidwireError('ERR_OPTION', `${label}: ${reason}`)
  }
  const filter = parts.length === 3 ? (parts[0] as string) : '~all'
  return { matches: parseRuleFilter(filter, label), seeksBodies: seeksBodies(filter), subject, replacement }
}

/** The filter of a rule. Throws ERR_FILTER, which says the rule. */
export function parseRuleFilter(filter: string, label: string): FlowFilter {
  try {
    return parseFilter(filter)
  } catch (error) {
    if (!(error instanceof MidwireError) || error.code !== 'ERR_FILTER') throw error
    throw new MidwireError('ERR_FILTER', `${label}, ${error.message.replace(/^filter: /, '')}`)
  }
}
