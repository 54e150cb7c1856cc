// The option `block_list`: requests that a filter matches are answered with a status, or with nothing.
import { MidwireError } from '../errors.js'
import { seeksBodies } from '../flow/filter.js'
import { type HttpFlow, HttpResponse } from '../flow/http.js'
import { parseRuleFilter, partsOf } from '../flow/rule.js'
import type { Addon } from '../hooks.js'

/** nginx's status for a connection that is closed without an answer. */
const NO_ANSWER = 444

/** The first rule that matches counts. Throws ERR_OPTION and ERR_FILTER for one that is wrong. */
export function blockList(rules: readonly string[]): Addon {
  const read = rules.map((text, index) => readRule(text, `block_list, rule ${index + 1}`))
  const judge = (flow: HttpFlow) => {
    if (flow.response || flow.error) return
    const rule = read.find(({ matches }) => matches(flow))
    if (!rule) return
    flow.metadata.blocklisted = true
    if (rule.status !== NO_ANSWER) {
      flow.response = new HttpResponse({ status: rule.status, headers: [['Content-Length', '0']] })
      return
    }
    close(flow)
  }
  // A filter that asks for the body has to wait for it.
  const hook = read.some((rule) => rule.seeksBodies) ? 'request' : 'requestheaders'
  return { name: 'block_list', [hook]: judge }
}

function close(flow: HttpFlow): void {
  flow.kill()
  if (flow.error) flow.error = { ...flow.error, message: 'block_list has closed it without an answer' }
}

function readRule(text: string, label: string) {
  const parts = partsOf(text, 3)
  const [filter = '', status = ''] = parts
  const number = /^\d{3}$/.test(status) ? Number(status) : 0
  if (parts.length !== 2 || number < 200) {
    const reason =
      'a rule is /FILTER/STATUS, with a status from 200 to 999; 444 closes the connection without an answer'
    throw new MidwireError('ERR_OPTION', `${label}: ${reason}`)
  }
  return { matches: parseRuleFilter(filter, label), seeksBodies: seeksBodies(filter), status: number }
}
