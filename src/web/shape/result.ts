// The result of a command as JSON: plain data as it is, flows by their ids, bytes as text or Base64, all of it up to a length.
import { isUtf8 } from 'node:buffer'
import { Flow } from '../../index.js'
import { ApiError } from '../server/failure.js'

/** Characters of a result. */
const MAX_RESULT = 64 << 20

/** Throws an ApiError for what is too long, or is no data. */
export function plainResult(result: unknown): unknown {
  if (result === undefined) return undefined
  let text: string | undefined
  try {
    text = JSON.stringify(result, plain)
  } catch (error) {
    throw new ApiError(
      500,
      'ERR_COMMAND',
      `the command was performed, and its result is no plain data: ${(error as Error).message}`,
    )
  }
  if (text === undefined) return undefined
  if (text.length > MAX_RESULT)
    throw new ApiError(500, 'ERR_COMMAND', 'the command was performed, and its result is too long')
  return JSON.parse(text)
}

/** Buffers have a `toJSON` of their own, so they are looked at where they stand. */
function plain(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[key]
  if (given instanceof Uint8Array)
    return isUtf8(given) ? Buffer.from(given).toString() : Buffer.from(given).toString('base64')
  if (given instanceof Flow) return given.id
  return typeof given === 'bigint' ? given.toString() : value
}
