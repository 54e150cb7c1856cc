// Who may come in: a token that is new at each start, or a password, and the cookie that stands for either.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type PasswordCheck, passwordCheck } from './password.js'
import { same } from './same.js'

/** Bytes of a token and of a session: as many as cannot be guessed. */
const TOKEN_BYTES = 32

/** Wrong passwords in so many milliseconds, beyond which no other is looked at. Tokens cannot be guessed, and are not counted. */
const MAX_WRONG = 10
const WRONG_TIME = 60_000

export class Secrets {
  /** Undefined where there is a password. */
  readonly token: string | undefined
  /** The value of the cookie. It ends with the process. */
  readonly session = randomBytes(TOKEN_BYTES).toString('base64url')
  readonly #check: PasswordCheck | undefined
  readonly #now: () => number
  /** A digest of the password that was right the last time: a hash that takes long is computed once. */
  #known: Buffer | undefined
  readonly #salt = randomBytes(TOKEN_BYTES)
  #wrong: number[] = []
  #turn: Promise<unknown> = Promise.resolve()

  /** `password`: a text, or a hash of one; empty for a token. Throws ERR_OPTION for a hash that cannot be read. */
  constructor(password: string, now: () => number = () => performance.now()) {
    this.#check = password === '' ? undefined : passwordCheck(password)
    this.token = this.#check ? undefined : randomBytes(TOKEN_BYTES).toString('base64url')
    this.#now = now
  }

  isSession(given: string): boolean {
    return same(given, this.session)
  }

  /** Whether a text is the token or the password. `busy`: too many were wrong lately. */
  async accepts(given: string): Promise<'yes' | 'no' | 'busy'> {
    if (this.token !== undefined) return same(given, this.token) ? 'yes' : 'no'
    const digest = this.#digest(given)
    if (this.#known && timingSafeEqual(digest, this.#known)) return 'yes'
    // One after the other: a hash takes memory, and what is tried meanwhile counts.
    const turn = this.#turn.then(() => this.#verify(given, digest))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #verify(given: string, digest: Buffer): Promise<'yes' | 'no' | 'busy'> {
    const now = this.#now()
    this.#wrong = this.#wrong.filter((at) => now - at < WRONG_TIME)
    if (this.#wrong.length >= MAX_WRONG) return 'busy'
    if (await this.#check?.(given)) {
      this.#known = digest
      return 'yes'
    }
    this.#wrong.push(now)
    return 'no'
  }

  #digest(text: string): Buffer {
    return createHash('sha256').update(this.#salt).update(text).digest()
  }
}
