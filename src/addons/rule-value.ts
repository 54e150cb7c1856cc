// The value that a rule puts somewhere: what is written in it, or with `@FILE` what is in a file, which is read again when it changes.
import { readFileSync, statSync } from 'node:fs'
import { MidwireError } from '../errors.js'
import type { Surroundings } from './by-option.js'

/** The most bytes of a file: it is sent with each message that the rule is for. */
const MAX_FILE = 16 << 20

export interface RuleFile {
  /** What the file has now. Undefined where it cannot be read: the log says why then. */
  read(): Buffer | undefined
}

/** The file that a value names by `@FILE`; undefined for another value. Throws ERR_OPTION where it cannot be read. */
export function ruleFile(value: string, label: string, { path, log }: Surroundings): RuleFile | undefined {
  if (!value.startsWith('@')) return undefined
  const file = path(value.slice(1))
  let known: { readonly sign: string; readonly bytes: Buffer } | undefined
  const look = () => {
    const { mtimeMs, size } = statSync(file)
    const sign = `${mtimeMs} ${size}`
    if (size > MAX_FILE) throw new Error(`${file} is longer than ${MAX_FILE} bytes`)
    if (known?.sign !== sign) known = { sign, bytes: readFileSync(file) }
    return known.bytes
  }
  try {
    look()
  } catch (error) {
    throw new MidwireError('ERR_OPTION', `${label}: ${(error as Error).message}`)
  }
  return {
    read() {
      try {
        return look()
      } catch (error) {
        log('warn', `${label}: ${(error as Error).message}`)
        return undefined
      }
    },
  }
}
