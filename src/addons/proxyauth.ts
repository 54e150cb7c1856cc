// The option `proxyauth`: clients have to give a user name and a password (Basic, RFC 7617), else they are refused with 407 or 401.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ClientConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { type HttpFlow, HttpResponse } from '../flow/http.js'
import type { Addon, Socks5AuthHook } from '../hooks.js'
import type { Surroundings } from './by-option.js'
import { Htpasswd } from './htpasswd.js'

/** A user name and a password. */
type Credentials = readonly [user: string, password: string]

/** Whether credentials are right. The answer is a promise where it takes long. */
type Check = (credentials: Credentials) => boolean | Promise<boolean>

/** The accepted credentials of a file that are remembered, so that a request does not cost the time of bcrypt. */
const MAX_REMEMBERED = 1_000

/** The credentials that wait to be verified. bcrypt verifies one after the other. */
const MAX_WAITING = 100

/** The connections that began while the option had a value. Those from before are asked for nothing. */
const begun = new WeakSet<ClientConnection>()

/**
 * The credentials of connections that a CONNECT or SOCKS5 has let in: they cover all that is in the tunnel, also after the option has
 * changed, when another addon goes on.
 */
const letIn = new WeakMap<ClientConnection, Credentials>()

/** Throws ERR_OPTION for a value that is wrong. */
export function proxyauth(value: string, surroundings: Surroundings): Addon {
  const check = checkOf(value, surroundings)
  return {
    name: 'proxyauth',
    client_connected(client: ClientConnection) {
      begun.add(client)
    },
    requestheaders(flow: HttpFlow) {
      const known = letIn.get(flow.client)
      if (known) flow.metadata.proxyauth = known
      else if (begun.has(flow.client)) return ask(flow, check)
    },
    http_connect(flow: HttpFlow) {
      if (begun.has(flow.client)) return ask(flow, check, (credentials) => letIn.set(flow.client, credentials))
    },
    async socks5_auth(asked: Socks5AuthHook) {
      const credentials: Credentials = [asked.username, asked.password]
      asked.valid = await check(credentials)
      if (asked.valid) letIn.set(asked.client, credentials)
    },
  }
}

/** Lets a request pass, or answers it. The field with the credentials is removed in either case. */
function ask(flow: HttpFlow, check: Check, passed?: (credentials: Credentials) => void): void | Promise<void> {
  const field = flow.client.explicit ? 'proxy-authorization' : 'authorization'
  const credentials = readBasic(flow.request.headers.get(field))
  flow.request.headers.delete(field)
  const finish = (isRight: boolean) => {
    if (!isRight || !credentials) {
      flow.response = refusal(flow)
      return
    }
    flow.metadata.proxyauth = credentials
    passed?.(credentials)
  }
  const isRight = credentials !== undefined && check(credentials)
  return typeof isRight === 'boolean' ? finish(isRight) : isRight.then(finish)
}

function refusal({ client, request }: HttpFlow): HttpResponse {
  const [status, field] = client.explicit ? [407, 'Proxy-Authenticate'] : [401, 'WWW-Authenticate']
  const content = 'midwire: a user name and a password are needed\n'
  const headers: [string, string][] = [
    [field, 'Basic realm="midwire"'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', `${content.length}`],
    ['Cache-Control', 'no-store'],
  ]
  // After a CONNECT that was refused the connection ends. A client that is told so comes again by a new one.
  if (request.method === 'CONNECT') headers.push(['Connection', 'close'])
  return new HttpResponse({ status, headers, ...(request.method !== 'HEAD' && { content }) })
}

/** The credentials in a field of the form `Basic <base64 of user:password>`. */
function readBasic(value: string | undefined): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(value ?? '') ?? []
  const text = Buffer.from(encoded ?? '', 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

function checkOf(value: string, { log, path }: Surroundings): Check {
  if (value === 'any') return () => true
  if (/^ldaps?:/.test(value)) {
    throw new MidwireError(
      'ERR_OPTION',
      'proxyauth: LDAP is left out of midwire; a file of htpasswd may have the users, `@path`',
    )
  }
  if (/^@./.test(value)) return checkByFile(path(value.slice(1)), log)
  const colon = value.indexOf(':')
  // The value is not shown, because it may be a password.
  if (colon === -1)
    throw new MidwireError('ERR_OPTION', 'proxyauth is `user:password`, `any`, or `@path` of a file of htpasswd')
  const digest = digester()
  const wanted = digest([value.slice(0, colon), value.slice(colon + 1)])
  return (credentials) => timingSafeEqual(digest(credentials), wanted)
}

function checkByFile(file: string, log: Surroundings['log']): Check {
  const digest = digester()
  let remembered = new Set<string>()
  const waiting = new Map<string, Promise<boolean>>()
  let turn: Promise<unknown> = Promise.resolve()
  const users = new Htpasswd(file, (problem) => {
    if (problem !== undefined) log('error', `proxyauth: ${problem}; the users of before stay`)
    // The set is a new one: a verification that began by the old users puts its result into the old set.
    else remembered = new Set()
  })
  const verify = async (key: string, [user, password]: Credentials) => {
    const keys = remembered
    const isRight = await users.verify(user, password)
    if (isRight) remember(keys, key)
    return isRight
  }
  return (credentials) => {
    users.look()
    const key = digest(credentials).toString('base64')
    if (remembered.has(key)) return true
    let verified = waiting.get(key)
    if (verified) return verified
    if (waiting.size >= MAX_WAITING) throw new Error('too many passwords wait to be verified')
    verified = turn.then(() => verify(key, credentials)).finally(() => waiting.delete(key))
    turn = verified.catch(() => {})
    waiting.set(key, verified)
    return verified
  }
}

/** Remembers a key, and forgets the oldest one where there are too many. */
function remember(keys: Set<string>, key: string): void {
  keys.add(key)
  const [oldest] = keys
  if (keys.size > MAX_REMEMBERED && oldest !== undefined) keys.delete(oldest)
}

/** A keyed hash of credentials, so that no password is kept, and comparing takes the same time for all. */
function digester(): (credentials: Credentials) => Buffer {
  const key = randomBytes(32)
  return ([user, password]) =>
    createHmac('sha256', key)
      .update(JSON.stringify([user, password]))
      .digest()
}
