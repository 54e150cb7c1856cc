// Where the server's certificate names a revocation list, ours names one at the same host, which is answered here: it is empty.
import { type HttpFlow, HttpResponse } from '../flow/http.js'
import type { Addon } from '../hooks.js'

export interface CrlAuthority {
  /** The path of the list, whatever its host is. */
  readonly crlPath: string
  /** The list (RFC 5280, 5), DER. */
  crl(): Buffer
}

export function crl(authority: CrlAuthority): Addon {
  return {
    name: 'crl',
    requestheaders(flow: HttpFlow) {
      const { method, path } = flow.request
      if (path !== authority.crlPath || (method !== 'GET' && method !== 'HEAD')) return
      const list = authority.crl()
      const headers = [
        ['Content-Type', 'application/pkix-crl'],
        ['Content-Length', `${list.length}`],
      ] as const
      flow.response = new HttpResponse({ status: 200, headers, ...(method === 'GET' && { content: list }) })
    },
  }
}
