// The option `modify_body`: replaces what a regular expression finds in bodies, which it sees without their Content-Encoding.
import { MidwireError } from '../errors.js'
import type { HttpFlow, HttpRequest, HttpResponse } from '../flow/http.js'
import { parseRule, type Rule } from '../flow/rule.js'
import { compileSubstitution, type Substitution } from '../flow/substitution.js'
import type { Addon } from '../hooks.js'
import type { Surroundings } from './by-option.js'
import { ruleFile } from './rule-value.js'

type BodyRule = Rule & Pick<Substitution, 'replace'>

/** Throws ERR_OPTION and ERR_FILTER for a rule that is wrong. */
export function modifyBody(rules: readonly string[], surroundings: Surroundings): Addon {
  const read = rules.map((text, index) => readRule(text, `modify_body, rule ${index + 1}`, surroundings))
  const modify = (flow: HttpFlow, message: HttpRequest | HttpResponse) => {
    const meant = read.filter(({ matches }) => matches(flow))
    if (meant.length === 0 || message.body.length === 0) return
    const why = message.streamed ? 'longer than stream_large_bodies, or passes by another word' : message.decodeError
    if (why !== undefined) {
      surroundings.log('warn', `modify_body leaves the body of ${flow.request.url} as it is: ${why}`)
      return
    }
    const before = message.decodedContent.toString('latin1')
    let text = before
    for (const { replace } of meant) text = replace(text)
    // What no rule has changed goes on byte for byte: encoding again would give other bytes.
    if (text !== before) message.decodedContent = Buffer.from(text, 'latin1')
  }
  return {
    name: 'modify_body',
    request(flow: HttpFlow) {
      if (!flow.response && !flow.error) modify(flow, flow.request)
    },
    response(flow: HttpFlow) {
      if (flow.response && !flow.error) modify(flow, flow.response)
    },
  }
}

function readRule(text: string, label: string, surroundings: Surroundings): BodyRule {
  const rule = parseRule(text, label)
  const file = ruleFile(rule.replacement, label, surroundings)
  try {
    const kind = { caseSensitive: true, bytes: true, dotAll: true }
    // A file is put there as it is, or nothing where it cannot be read: then what stands there stays, too.
    if (!file) return { ...rule, replace: compileSubstitution(rule.subject, kind, rule.replacement).replace }
    let content = ''
    const { replace } = compileSubstitution(rule.subject, kind, { literal: () => content })
    return {
      ...rule,
      replace(before) {
        const bytes = file.read()
        if (!bytes) return before
        content = bytes.toString('latin1')
        return replace(before)
      },
    }
  } catch (error) {
    throw new MidwireError('ERR_OPTION', `${label}: ${(error as Error).message}`)
  }
}
