// A jar of cookies that servers have set (RFC 6265), by domain, port and path.

/** The most cookies of a jar, and the most characters of one. */
const MAX_COOKIES = 3_000
const MAX_COOKIE = 4_096

/** Where a request goes to. */
export interface CookiePlace {
  readonly host: string
  readonly port: number
  /** `/path?query`. */
  readonly path: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  /** The server has named no domain: the cookie is for its own host alone. */
  readonly hostOnly: boolean
  readonly port: number
  readonly path: string
  /** Milliseconds since the epoch; undefined for a cookie without an end. */
  readonly expires: number | undefined
}

export class CookieJar {
  /** The cookies by domain, port, path and name, the one that was set first in front. */
  readonly #cookies = new Map<string, Cookie>()

  /** Takes up a field Set-Cookie. One that is over already removes the cookie. One for a domain that is not the host's is ignored. */
  add(text: string, place: CookiePlace, now: number): void {
    const cookie = parse(text, place, now)
    if (!cookie || !isWithin(place.host.toLowerCase(), cookie.domain)) return
    const key = JSON.stringify([cookie.domain, cookie.port, cookie.path, cookie.name])
    if (isOver(cookie, now)) {
      this.#cookies.delete(key)
      return
    }
    this.#cookies.set(key, cookie)
    const [oldest] = this.#cookies.keys()
    if (this.#cookies.size > MAX_COOKIES && oldest !== undefined) this.#cookies.delete(oldest)
  }

  /** The value of the field Cookie for a request; empty for none. */
  cookiesFor({ host, port, path }: CookiePlace, now: number): string {
    const name = host.toLowerCase()
    const [asked = '/'] = path.split('?')
    const found: string[] = []
    for (const [key, cookie] of this.#cookies) {
      if (isOver(cookie, now)) this.#cookies.delete(key)
      else if (cookie.port === port && isFor(name, cookie) && isBelow(asked, cookie.path))
        found.push(`${cookie.name}=${cookie.value}`)
    }
    return found.join('; ')
  }
}

function parse(text: string, { host, port }: CookiePlace, now: number): Cookie | undefined {
  const [pair = '', ...attributes] = text.split(';').map((part) => part.trim())
  const equals = pair.indexOf('=')
  if (equals < 1 || text.length > MAX_COOKIE) return undefined
  let [domain, hostOnly, path] = [host.toLowerCase(), true, '/']
  let [expires, age]: (number | undefined)[] = []
  for (const attribute of attributes) {
    const at = attribute.indexOf('=')
    const value = at === -1 ? '' : attribute.slice(at + 1).trim()
    const name = (at === -1 ? attribute : attribute.slice(0, at)).trim().toLowerCase()
    if (name === 'domain' && value !== '') {
      domain = value.toLowerCase().replace(/^\./, '')
      hostOnly = false
    } else if (name === 'path' && value.startsWith('/')) path = value
    else if (name === 'expires' && !Number.isNaN(Date.parse(value))) expires = Date.parse(value)
    else if (name === 'max-age' && /^-?\d+$/.test(value)) age = now + Number(value) * 1_000
  }
  // Max-Age counts where there is Expires, too (RFC 6265, 5.3).
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    domain,
    hostOnly,
    port,
    path,
    expires: age ?? expires,
  }
}

const isOver = ({ expires }: Cookie, now: number) => expires !== undefined && expires <= now

const isFor = (host: string, { domain, hostOnly }: Cookie) => host === domain || (!hostOnly && isWithin(host, domain))

/** Whether a cookie's domain is the host or above it (RFC 6265, 5.1.3). A domain without a dot, such as `com`, is above nothing. */
function isWithin(host: string, domain: string): boolean {
  if (host === domain) return true
  return domain.includes('.') && host.endsWith(`.${domain}`) && !/^[\d.]+$|:/.test(host)
}

/** Whether a cookie's path is that of the request or above it (RFC 6265, 5.1.4). */
const isBelow = (path: string, above: string) =>
  path === above || (path.startsWith(above) && (above.endsWith('/') || path[above.length] === '/'))
