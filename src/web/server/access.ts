// Lets requests in that have the token, the password or the cookie, and gives the cookie to those that come with one of the others.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from './failure.js'
import type { Guard } from './guard.js'
import { PAGE_HEADERS } from './headers.js'
import { collected } from './input.js'
import { sendLogin, sendTokenPage } from './pages.js'
import type { Secrets } from './secrets.js'

const MAX_FORM = 4 * 1024

export class Access {
  readonly #secrets: Secrets
  readonly #guard: Guard
  /** Browsers keep cookies of all ports of a host together. */
  readonly #cookie: string

  constructor(secrets: Secrets, guard: Guard, port: number) {
    this.#secrets = secrets
    this.#guard = guard
    this.#cookie = `midwire_${port}`
  }

  /** Throws an ApiError: 401, 403, 429. */
  async check(request: IncomingMessage, url: URL): Promise<void> {
    const given = bearerOf(request) ?? url.searchParams.get('token') ?? undefined
    if (given !== undefined) {
      const verdict = await this.#secrets.accepts(given)
      if (verdict === 'yes') return
      if (verdict === 'busy') throw new ApiError(429, 'ERR_UNAUTHORIZED', 'too many passwords were wrong')
      throw unauthorized('this token is wrong: midwire makes another one at each start')
    }
    if (!this.#hasCookie(request)) {
      throw unauthorized(
        'a token is needed: Authorization: Bearer TOKEN, with that of the URL that midwire has printed',
      )
    }
    this.#guard.checkCookie(request)
  }

  /** For files of the page: true where the request may have them; else it has been answered. */
  async admit(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    if (url.pathname === '/login' && request.method === 'POST') {
      await this.#login(request, response)
      return false
    }
    const token = url.searchParams.get('token')
    if (token !== null) {
      const verdict = await this.#secrets.accepts(token)
      if (verdict === 'yes') {
        url.searchParams.delete('token')
        this.#welcome(response, `${onePath(url.pathname)}${url.search}`)
      } else this.#refuse(response, verdict)
      return false
    }
    const bearer = bearerOf(request)
    if (this.#hasCookie(request) || (bearer !== undefined && (await this.#secrets.accepts(bearer)) === 'yes'))
      return true
    this.#refuse(response, 'first')
    return false
  }

  async #login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams((await collected(request, MAX_FORM)).toString())
    const verdict = await this.#secrets.accepts(form.get('password') ?? '')
    if (verdict === 'yes') this.#welcome(response, '/')
    else this.#refuse(response, verdict)
  }

  #welcome(response: ServerResponse, location: string): void {
    response.writeHead(303, {
      ...PAGE_HEADERS,
      'Cache-Control': 'no-store',
      Location: location,
      'Set-Cookie': `${this.#cookie}=${this.#secrets.session}; Path=/; HttpOnly; SameSite=Strict`,
    })
    response.end()
  }

  #refuse(response: ServerResponse, verdict: 'first' | 'no' | 'busy'): void {
    if (this.#secrets.token === undefined) sendLogin(response, verdict)
    else sendTokenPage(response)
  }

  #hasCookie({ headers }: IncomingMessage): boolean {
    const all = (headers.cookie ?? '').split(';').map((one) => one.trim())
    return all.some(
      (one) => one.startsWith(`${this.#cookie}=`) && this.#secrets.isSession(one.slice(this.#cookie.length + 1)),
    )
  }
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer ([^\s]+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** A path that begins with two slashes would lead to another host. */
const onePath = (path: string) => path.replace(/^[/\\]+/, '/')

const unauthorized = (message: string) => new ApiError(401, 'ERR_UNAUTHORIZED', message)
