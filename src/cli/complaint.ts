// Errors as one line on stderr, and the exit code that goes with them.
import { type ErrorCode, MidwireError } from '../index.js'

/** Nothing is wrong with what was asked for; it cannot be done now. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ADDRESS_IN_USE',
  'ERR_ADDRESS_NOT_AVAILABLE',
  'ERR_PERMISSION',
  'ERR_NATIVE_MISSING',
  'ERR_NATIVE_PANIC',
  'ERR_NATIVE',
  'ERR_SERVER_CLOSED',
  'ERR_NO_ROUTE',
  'ERR_EXHAUSTED',
])

/** 2 for a wrong argument or configuration, 1 for a fault. */
export const exitCodeOf = (error: unknown): 1 | 2 => (error instanceof MidwireError && !FAULTS.has(error.code) ? 2 : 1)

/** `midwire: what was wrong`, with a newline; never more than one line. */
export function complaint(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  // A filter's mistake is shown below it, in lines of their own; the first one says it all.
  const text = error instanceof MidwireError ? (message.split('\n')[0] ?? '') : message
  return `midwire: ${text.replace(/\p{Cc}+/gu, ' ').trim()}\n`
}
