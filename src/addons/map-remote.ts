// The option `map_remote`: requests for one URL go to another.
import { MidwireError } from '../errors.js'
import type { HttpFlow, HttpRequest } from '../flow/http.js'
import { parseRule } from '../flow/rule.js'
import { compileSubstitution } from '../flow/substitution.js'
import type { Addon } from '../hooks.js'

/** The path and query of a URL, as they are written. */
const PATH = /^[^:]*:\/\/[^/?#]*(\/[\x21-\x22\x24-\x7e]*)/

/** Every rule in its turn changes the URL that the rules before it have made. Throws ERR_OPTION and ERR_FILTER for one that is wrong. */
export function mapRemote(rules: readonly string[]): Addon {
  const read = rules.map((text, index) => readRule(text, `map_remote, rule ${index + 1}`))
  const map = (flow: HttpFlow) => {
    if (flow.response || flow.error) return
    for (const { matches, replace } of read) {
      if (!matches(flow)) continue
      const { url } = flow.request
      const replaced = replace(url)
      if (replaced !== url) send(flow.request, replaced)
    }
  }
  // A filter that asks for the body has to wait for it.
  const hook = read.some(({ seeksBodies }) => seeksBodies) ? 'request' : 'requestheaders'
  return { name: 'map_remote', [hook]: map }
}

/** URLs are normalized where they are read, so the path is set as it was written: `/a/../b` stays that. */
function send(request: HttpRequest, url: string): void {
  request.url = url
  const [, path] = PATH.exec(url) ?? []
  if (path !== undefined && PATH.exec(url)?.[0] === url.replace(/#.*$/s, '')) request.path = path
}

function readRule(text: string, label: string) {
  const rule = parseRule(text, label)
  try {
    const { replace } = compileSubstitution(rule.subject, { caseSensitive: true }, rule.replacement)
    return { ...rule, replace }
  } catch (error) {
    throw new MidwireError('ERR_OPTION', `${label}: ${(error as Error).message}`)
  }
}
