// Reads htpasswd files, and verifies passwords by them: bcrypt (`$2a$`, `$2b$`, `$2y$`) and `{SHA}`, as `htpasswd -B` and `-s` write them.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { MidwireError } from '../errors.js'

/** The bytes of a file that is read; about 10,000 users. */
const MAX_FILE = 1 << 20

/** The highest cost of a bcrypt hash that `htpasswd` makes. Each step more doubles the time of a verification. */
const MAX_COST = 17

/** Milliseconds for which the file is not looked at again. */
const LOOK_MILLISECONDS = 1_000

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const SHA = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/

/** Whether a password is right. The answer is a promise where it takes long. */
type Verify = (password: string) => boolean | Promise<boolean>

/** The users of a text in the form of htpasswd. Throws a sentence with the line of an entry that cannot be used. */
export function parseHtpasswd(text: string): ReadonlyMap<string, Verify> {
  const users = new Map<string, Verify>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon < 1) throw new Error(`line ${index + 1}: an entry is \`user:hash\``)
    try {
      users.set(line.slice(0, colon), verifierOf(line.slice(colon + 1)))
    } catch (error) {
      throw new Error(`line ${index + 1}: ${(error as Error).message}`)
    }
  }
  return users
}

function verifierOf(hash: string): Verify {
  const [, digest] = SHA.exec(hash) ?? []
  if (digest !== undefined) {
    const wanted = Buffer.from(digest, 'base64')
    return (password) => timingSafeEqual(createHash('sha1').update(password).digest(), wanted)
  }
  const [, cost] = BCRYPT.exec(hash) ?? []
  if (cost === undefined) {
    throw new Error(
      'its hash is of no kind that midwire knows: `htpasswd -B` makes bcrypt, and `htpasswd -s` makes {SHA}',
    )
  }
  if (Number(cost) < 4 || Number(cost) > MAX_COST) {
    throw new Error(`the cost of a bcrypt hash is from 4 to ${MAX_COST}, not ${Number(cost)}`)
  }
  // The library is loaded only where a file has such a hash, and a client has named its user.
  return async (password) => (await import('bcryptjs')).compare(password, hash)
}

/** A file of users. A change of the file counts from about a second later on. */
export class Htpasswd {
  readonly #path: string
  readonly #changed: (problem: string | undefined) => void
  #users: ReadonlyMap<string, Verify>
  /** The state of the file when it was read, or was found wrong. */
  #seen: string
  #lookedAt: number

  /**
   * `changed` is called when the file was read again, or with the problem where that failed: the users of before then stay. Throws
   * ERR_OPTION for a file that cannot be used.
   */
  constructor(path: string, changed: (problem: string | undefined) => void) {
    this.#path = path
    this.#changed = changed
    this.#lookedAt = Date.now()
    this.#seen = this.#state()
    try {
      this.#users = this.#read()
    } catch (cause) {
      throw new MidwireError('ERR_OPTION', `proxyauth: ${(cause as Error).message}`, { cause })
    }
  }

  /** Reads the file again where it has changed. */
  look(): void {
    const now = Date.now()
    if (Math.abs(now - this.#lookedAt) < LOOK_MILLISECONDS) return
    this.#lookedAt = now
    const state = this.#state()
    if (state === this.#seen) return
    this.#seen = state
    try {
      this.#users = this.#read()
      this.#changed(undefined)
    } catch (error) {
      this.#changed((error as Error).message)
    }
  }

  /** Whether the password is the user's. */
  verify(user: string, password: string): boolean | Promise<boolean> {
    return this.#users.get(user)?.(password) ?? false
  }

  #read(): ReadonlyMap<string, Verify> {
    try {
      const stats = statSync(this.#path)
      if (!stats.isFile()) throw new Error('it is no file')
      if (stats.size > MAX_FILE) throw new Error('it is longer than 1 MiB')
      return parseHtpasswd(readFileSync(this.#path, 'utf8'))
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      throw new Error(`${this.#path}: ${isMissing ? 'there is no such file' : (cause as Error).message}`, { cause })
    }
  }

  /** A text that is another one after each change. */
  #state(): string {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path)
      return `${mtimeMs} ${size} ${ino}`
    } catch (error) {
      return `${(error as NodeJS.ErrnoException).code}`
    }
  }
}
