// Which requests are looked at: those of the page itself and of programs, by Host, Origin and Sec-Fetch-Site, before anybody asks for a token.

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { ApiError } from './failure.js'

const SAFE = new Set(['GET', 'HEAD'])

/** `name`: the host that midwire was told to listen on. */
export class Guard {
  readonly #name: string

  constructor(name: string) {
    this.#name = name.toLowerCase()
  }

  /** `isApi`: what no link of another site may lead to. Throws an ApiError, 403. */
  check({ method = 'GET', headers }: IncomingMessage, isApi: boolean): void {
    const { host, origin } = headers
    // A name that has been rebound to this machine is a name still. Who uses an address has not been led here by DNS.
    if (host === undefined || !this.#isOurs(host)) {
      throw forbidden('the field Host names another machine: use an IP address, or localhost')
    }
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLink(headers, method, isApi)) {
      throw forbidden('another site has sent this request')
    }
    if (origin !== undefined && !isOriginOf(origin, host)) throw forbidden('another site has sent this request')
  }

  /** A request that is known by its cookie alone: a browser says where it comes from, where that matters. Throws an ApiError, 403. */
  checkCookie({ method = 'GET', headers }: IncomingMessage): void {
    const isUpgrade = headers.upgrade !== undefined
    if (SAFE.has(method) && !isUpgrade) return
    if (headers.origin === undefined && headers['sec-fetch-site'] !== 'same-origin') {
      throw forbidden(
        'a request with a cookie needs the field Origin; programs send the token as Authorization: Bearer',
      )
    }
  }

  #isOurs(host: string): boolean {
    const [, bracketed, plain = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@?#]+))(?::\d{1,5})?$/i.exec(host) ?? []
    if (bracketed !== undefined) return isIP(bracketed) === 6
    const name = plain.toLowerCase()
    return isIP(name) === 4 || name === 'localhost' || (name !== '' && name === this.#name)
  }
}

/** Somebody has clicked a link to the page, in another site. */
const isLink = (headers: IncomingMessage['headers'], method: string, isApi: boolean): boolean =>
  !isApi && method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'

/** https is there where a proxy with TLS stands before midwire. */
const isOriginOf = (origin: string, host: string): boolean =>
  [`http://${host}`, `https://${host}`].includes(origin.toLowerCase()) ||
  [`http://${host}`, `https://${host}`].includes(origin)

const forbidden = (message: string) => new ApiError(403, 'ERR_FORBIDDEN', message)
