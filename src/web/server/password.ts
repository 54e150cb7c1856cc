// Verifies the password of the page: a plain one, or hashes of scrypt and argon2 in the usual form, `$scrypt$ln=15,r=8,p=1$SALT$HASH`.
import * as crypto from 'node:crypto'
import { MidwireError } from '../../index.js'
import { same } from './same.js'

export type PasswordCheck = (given: string) => Promise<boolean>

/** The most memory that a hash may ask for, in bytes. */
const MAX_MEMORY = 1 << 30

const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{4,200})\$([A-Za-z0-9+/]{22,200})$/
const ARGON2 =
  /^\$(argon2id|argon2i|argon2d)\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,200})\$([A-Za-z0-9+/]{16,200})$/

/** Throws ERR_OPTION for a hash that is no such, or that this Node does not know. */
export function passwordCheck(password: string): PasswordCheck {
  if (password.startsWith('$scrypt')) return scryptCheck(password)
  if (password.startsWith('$argon2')) return argon2Check(password)
  return async (given) => same(given, password)
}

function scryptCheck(hash: string): PasswordCheck {
  const [, ln, r, p, salt = '', key = ''] = SCRYPT.exec(hash) ?? []
  const [cost, blockSize, parallelization] = [2 ** Number(ln), Number(r), Number(p)]
  const memory = 128 * cost * blockSize + 128 * blockSize * parallelization
  if (ln === undefined || cost < 2 || blockSize < 1 || parallelization < 1 || memory > MAX_MEMORY) {
    throw wrong('a hash of scrypt is $scrypt$ln=15,r=8,p=1$SALT$HASH, and takes 1 GiB of memory at most')
  }
  const expected = Buffer.from(key, 'base64')
  const options = { cost, blockSize, parallelization, maxmem: memory * 2 }
  return (given) =>
    new Promise((resolve, reject) => {
      crypto.scrypt(given, Buffer.from(salt, 'base64'), expected.length, options, (error, derived) => {
        if (error) reject(error)
        else resolve(crypto.timingSafeEqual(derived, expected))
      })
    })
}

interface Argon2Parameters {
  readonly message: Buffer
  readonly nonce: Buffer
  readonly parallelism: number
  readonly tagLength: number
  readonly memory: number
  readonly passes: number
}

type Argon2 = (name: string, parameters: Argon2Parameters, done: (error: Error | null, derived: Buffer) => void) => void

function argon2Check(hash: string): PasswordCheck {
  const [, name, memory, passes, parallelism, salt = '', key = ''] = ARGON2.exec(hash) ?? []
  if (name === undefined || Number(memory) * 1024 > MAX_MEMORY) {
    throw wrong('a hash of argon2 is $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH, and takes 1 GiB of memory at most')
  }
  // Node has it from 24.7 on.
  const { argon2 } = crypto as unknown as { argon2?: Argon2 }
  if (!argon2) throw wrong(`Node ${process.versions.node} has no argon2, 24.7 and newer have: take a hash of scrypt`)
  const expected = Buffer.from(key, 'base64')
  const numbers = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const parameters = { nonce: Buffer.from(salt, 'base64'), tagLength: expected.length, ...numbers }
  return (given) =>
    new Promise((resolve, reject) => {
      argon2(name, { message: Buffer.from(given), ...parameters }, (error, derived) => {
        if (error) reject(error)
        else resolve(crypto.timingSafeEqual(derived, expected))
      })
    })
}

const wrong = (what: string) => new MidwireError('ERR_OPTION', `web_password: ${what}`)
