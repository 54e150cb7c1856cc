// The option `modify_headers`: takes fields out of requests and responses, and puts others there.
import { MidwireError } from '../errors.js'
import { isFieldValue, isToken, sameName } from '../flow/headers.js'
import type { HttpFlow, HttpRequest, HttpResponse } from '../flow/http.js'
import { parseRule, type Rule } from '../flow/rule.js'
import type { Addon } from '../hooks.js'
import type { Surroundings } from './by-option.js'
import { ruleFile } from './rule-value.js'

interface HeaderRule extends Rule {
  /** The value of the new field; empty for none. */
  value(): string
}

/** Throws ERR_OPTION and ERR_FILTER for a rule that is wrong. */
export function modifyHeaders(rules: readonly string[], surroundings: Surroundings): Addon {
  const read = rules.map((text, index) => readRule(text, `modify_headers, rule ${index + 1}`, surroundings))
  return {
    name: 'modify_headers',
    requestheaders(flow: HttpFlow) {
      if (!flow.response && !flow.error) modify(flow, flow.request, read)
    },
    responseheaders(flow: HttpFlow) {
      if (flow.response && !flow.error) modify(flow, flow.response, read)
    },
  }
}

/** All filters are asked first: no rule sees what another one has done. */
function modify(flow: HttpFlow, message: HttpRequest | HttpResponse, rules: readonly HeaderRule[]): void {
  const meant = rules.filter(({ matches }) => matches(flow))
  for (const { subject } of meant) message.headers.delete(subject)
  for (const rule of meant) {
    const value = rule.value()
    if (value !== '') add(message, rule.subject, value)
  }
}

/** Of HTTP/2 `:authority` has the place of Host. */
function add(message: HttpRequest | HttpResponse, name: string, value: string): void {
  const isAuthority = 'authority' in message && message.authority !== undefined && sameName(name, 'host')
  if (isAuthority) message.authority = value
  else message.headers.append(name, value)
}

function readRule(text: string, label: string, surroundings: Surroundings): HeaderRule {
  const rule = parseRule(text, label)
  const { subject, replacement } = rule
  if (!isToken(subject)) throw new MidwireError('ERR_OPTION', `${label}: ${JSON.stringify(subject)} is no field name`)
  const file = ruleFile(replacement, label, surroundings)
  if (file) return { ...rule, value: () => fieldValue(file.read()?.toString('latin1') ?? '', label) }
  const value = fieldValue(Buffer.from(replacement).toString('latin1'), label)
  return { ...rule, value: () => value }
}

/** Files end with a newline as a rule, which is no part of the value. */
function fieldValue(text: string, label: string): string {
  const value = text.replace(/[\r\n]+$/, '')
  if (!isFieldValue(value)) throw new MidwireError('ERR_OPTION', `${label}: the value has control characters`)
  return value
}
