// The errors of the API: a status, a code and a sentence; midwire's own errors get the status that fits.
import { type ErrorCode, MidwireError } from '../../index.js'

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** Where the input is wrong: `body.limit`. */
  readonly at: string | undefined

  constructor(status: number, code: string, message: string, at?: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.at = at
  }
}

export const notFound = (what: string) => new ApiError(404, 'ERR_NOT_FOUND', `there is no ${what}`)

/** What the state of things does not allow now. */
export const conflict = (message: string) => new ApiError(409, 'ERR_CONFLICT', message)

/** Errors that are no mistake in the input: midwire cannot do it now. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_ADDRESS_IN_USE: 409,
  ERR_ADDRESS_NOT_AVAILABLE: 409,
  ERR_PERMISSION: 409,
  ERR_ROOT: 409,
  ERR_BODY_STREAMED: 409,
  ERR_PEER_DUPLICATE: 409,
  ERR_REPLAY: 409,
  ERR_TIMEOUT: 408,
  ERR_CLOSED: 503,
  ERR_SERVER_CLOSED: 503,
  ERR_EXHAUSTED: 503,
  ERR_NATIVE: 500,
  ERR_NATIVE_MISSING: 500,
  ERR_NATIVE_PANIC: 500,
  ERR_CONFDIR: 500,
}

/** Any error as one of the API's. What is no mistake of the caller is a 500 with its message: the caller owns the proxy. */
export function failureOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof MidwireError) return new ApiError(STATUS[error.code] ?? 400, error.code, error.message)
  const isInput = error instanceof TypeError || error instanceof RangeError || error instanceof URIError
  const message = error instanceof Error ? error.message : String(error)
  return isInput ? new ApiError(400, 'ERR_INPUT', message) : new ApiError(500, 'ERR_INTERNAL', message)
}
