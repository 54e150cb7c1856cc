// Fatal alerts (RFC 8446, 6) that midwire sends by itself: where OpenSSL has no part in the connection yet.

/** An alert in a record of the version that every client reads. */
const fatal = (description: number): Buffer => Buffer.from([0x15, 3, 1, 0, 2, 2, description])

/** The ClientHello cannot be read, or is not whole. */
export const DECODE_ERROR = fatal(50)

/** The fault is midwire's, or its user's, and not the client's. */
export const INTERNAL_ERROR = fatal(80)
