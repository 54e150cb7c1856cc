// A flow in a few words, for the messages of tests that fail.
import { hostPort } from '../addresses.js'
import type { AnyFlow } from '../flow/index.js'

/** `GET https://api.test/users 200`, `dns api.test`, `tcp api.test:25`. */
export function shownFlow(flow: AnyFlow): string {
  if (flow.type === 'http') {
    const { request, response, error } = flow
    const outcome = error ? ` failed (${error.message})` : response ? ` ${response.status}` : ''
    return `${request.method} ${request.url}${outcome}`
  }
  if (flow.type === 'dns') return `dns ${flow.request.questions.map(({ name }) => name).join(', ')}`
  return `${flow.type} ${flow.server ? hostPort(flow.server.host, flow.server.port) : ''}`.trim()
}

/** The most flows that one message shows. */
const MAX_SHOWN = 10

/** `3 flows: GET ..., GET ...`, the newest of many. `count` is the number of all. */
export function shownFlows(flows: readonly AnyFlow[], count = flows.length): string {
  const last = flows.slice(-MAX_SHOWN).map(shownFlow)
  const left = count > last.length ? '..., ' : ''
  return `${count === 1 ? 'one flow' : `${count} flows`}: ${left}${last.join(', ')}`
}
