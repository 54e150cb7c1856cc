// Turns an error into one line for stderr, and into an exit code.
import { type ErrorCode, MidwireError } from '../index.js'

/** Errors that are no mistake of the user: midwire cannot do now what the command line asks for. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ADDRESS_IN_USE',
  'ERR_ADDRESS_NOT_AVAILABLE',
  'ERR_PERMISSION',
  'ERR_ROOT',
  'ERR_COMMAND',
  'ERR_NATIVE_MISSING',
  'ERR_NATIVE_PANIC',
  'ERR_NATIVE',
  'ERR_SERVER_CLOSED',
  'ERR_NO_ROUTE',
  'ERR_EXHAUSTED',
])

/** The exit code: 2 for a wrong argument or configuration, 1 for any other error. */
export const exitCodeOf = (error: unknown): 1 | 2 => (error instanceof MidwireError && !FAULTS.has(error.code) ? 2 : 1)

/** `midwire: the message`, as one line with its newline. */
export function complaint(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  // The message about a filter has the filter, and a mark at the mistake, in further lines. The first line says enough.
  const text = error instanceof MidwireError ? (message.split('\n')[0] ?? '') : message
  return `midwire: ${text.replace(/\p{Cc}+/gu, ' ').trim()}\n`
}
