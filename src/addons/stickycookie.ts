// The option `stickycookie`: cookies that servers have set are added to later requests, also to those of clients that keep none.
import { parseFilter } from '../flow/filter.js'
import type { HttpFlow } from '../flow/http.js'
import type { Addon } from '../hooks.js'
import { CookieJar } from './cookie-jar.js'

/** Throws ERR_FILTER. */
export function stickycookie(filter: string): Addon {
  const matches = parseFilter(filter)
  const jar = new CookieJar()
  return {
    name: 'stickycookie',
    requestheaders(flow: HttpFlow) {
      if (!matches(flow)) return
      const { prettyHost, port, path, headers } = flow.request
      const cookies = jar.cookiesFor({ host: prettyHost, port, path }, Date.now())
      if (cookies === '') return
      flow.metadata.stickycookie = true
      headers.set('Cookie', cookies)
    },
    responseheaders(flow: HttpFlow) {
      const set = flow.response?.headers.getAll('set-cookie') ?? []
      if (set.length === 0) return
      const { prettyHost, port, path } = flow.request
      for (const text of set) jar.add(text, { host: prettyHost, port, path }, Date.now())
    },
  }
}
