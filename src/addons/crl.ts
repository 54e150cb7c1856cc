// Answers requests for the revocation list that a leaf names, with an empty list. The URL in the leaf has the host of the URL in the
// server's certificate, and our own path.
import { type HttpFlow, HttpResponse } from '../flow/http.js'
import type { Addon } from '../hooks.js'

export interface CrlAuthority {
  /** The path of the list's URL, which is answered on any host. */
  readonly crlPath: string
  /** The list as DER (RFC 5280, 5). */
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
