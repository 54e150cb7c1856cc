// The field Alt-Svc (RFC 7838, 3) without the alternatives that midwire could not look into.
import type { HttpHeaders } from '../../flow/headers.js'

/** HTTP/3 and its drafts (`h3-29`), and what came before it: `hq-29`, Google's `quic`. */
const HTTP3 = /^(h3|hq|quic)(-|$)/

/** Takes HTTP/3 out of Alt-Svc, so that clients stay with TCP; the field goes where nothing is left of it. */
export function withoutHttp3(headers: HttpHeaders): void {
  if (!headers.has('alt-svc')) return
  const before = headers.getAll('alt-svc')
  const after = before.flatMap((value) => {
    // A comma in a quoted string divides nothing.
    const all = value.match(/(?:"(?:[^"\\]|\\.)*"?|[^,"])+/g) ?? []
    const kept = all.filter((alternative) => !isHttp3(alternative))
    if (kept.length === all.length) return [value]
    return kept.length > 0 ? [kept.join(',').trim()] : []
  })
  if (after.length === 0) headers.delete('alt-svc')
  else if (after.some((value, index) => value !== before[index])) headers.set('Alt-Svc', after)
}

/** The name of the protocol stands before `=`; octets that no token can have are percent-encoded. */
function isHttp3(alternative: string): boolean {
  const [name = ''] = alternative.split('=', 1)
  return HTTP3.test(
    name.trim().replaceAll(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
  )
}
