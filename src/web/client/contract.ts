// The options of a client of the remote API, and the error with which a call of it fails.
/** An error that the API has answered with. */
export class ApiFailure extends Error {
  /** The HTTP status. */
  readonly status: number
  /** `ERR_FILTER`, `ERR_NOT_FOUND` ... */
  readonly code: string
  /** Where the input is wrong: `body.limit`. Undefined where that is not known. */
  readonly at: string | undefined

  constructor(status: number, { code, message, at }: { code: string; message: string; at?: string | undefined }) {
    super(message)
    this.name = 'ApiFailure'
    this.status = status
    this.code = code
    this.at = at
  }
}

export interface ClientOptions {
  /** `http://127.0.0.1:8081`; the URL with `?token=` that midwire prints does, too. Default: the page's own server. */
  readonly url?: string
  /** The token, or the password. Default: that of the URL; else the browser's cookie. */
  readonly token?: string
  /** Default: the global one. */
  readonly fetch?: typeof fetch
}
