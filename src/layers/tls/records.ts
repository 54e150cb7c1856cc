// Joins the records that carry a ClientHello (RFC 8446, 5.1). A client may use any number of records, and cut them anywhere.
import { ClientHelloError } from './error.js'

/** The most bytes of a ClientHello, with its records: a connection holds no more back while its protocol is not known. */
export const MAX_HELLO = 64 * 1024

const RECORD_HEADER = 5
const MAX_RECORD = 1 << 14
const HANDSHAKE = 22
const CLIENT_HELLO = 1
/** A byte for the type, and three for the length. */
const HANDSHAKE_HEADER = 4

/**
 * The body of the ClientHello at the start of a stream; undefined until all of it has come. Throws a ClientHelloError as soon as no
 * further bytes could make it one.
 */
export function handshakeOf(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let gathered = 0
  /** The handshake header's bytes so far, as one number. */
  let header = 0
  for (let at = 0; at < bytes.length; ) {
    checkHeader(bytes, at)
    if (at + RECORD_HEADER > bytes.length) break
    const end = at + RECORD_HEADER + recordLength(bytes, at)
    const part = bytes.subarray(at + RECORD_HEADER, Math.min(end, bytes.length))
    for (let index = 0; index < part.length && gathered + index < HANDSHAKE_HEADER; index++) {
      header = header * 256 + (part[index] as number)
    }
    parts.push(part)
    gathered += part.length
    const missing = missingOf(gathered, header)
    // The missing bytes come in this record and in further ones, whose headers count, too.
    const come = at + RECORD_HEADER + part.length
    const further = Math.ceil(Math.max(0, missing - (end - come)) / MAX_RECORD)
    if (come + missing + further * RECORD_HEADER > MAX_HELLO) throw tooLong()
    if (missing <= 0) return bodyOf(parts, header % (1 << 24))
    at = end
  }
  if (bytes.length >= MAX_HELLO) throw tooLong()
  return undefined
}

const tooLong = () => new ClientHelloError('it does not end within 64 KiB')

/** Checks as much of a record's header as has come: the type is handshake, and the version begins with 3. */
function checkHeader(bytes: Buffer, at: number): void {
  if (bytes[at] !== HANDSHAKE) throw new ClientHelloError(`a record of type ${bytes[at]} instead of a handshake`)
  const major = bytes[at + 1]
  if (major !== undefined && major !== 3) throw new ClientHelloError(`a record of version ${major}`)
}

function recordLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt16BE(at + 3)
  // TLS forbids empty records of a handshake. If they were accepted, a client could send them without end.
  if (length === 0 || length > MAX_RECORD) throw new ClientHelloError(`a record of ${length} bytes`)
  return length
}

/** The least number of bytes that the handshake message still needs; 0 or less when it is complete. */
function missingOf(gathered: number, header: number): number {
  if (gathered < HANDSHAKE_HEADER) {
    const type = header >>> (8 * Math.max(0, gathered - 1))
    if (gathered > 0 && type !== CLIENT_HELLO) throw notClientHello(type)
    return HANDSHAKE_HEADER - gathered
  }
  const type = Math.floor(header / (1 << 24))
  if (type !== CLIENT_HELLO) throw notClientHello(type)
  return HANDSHAKE_HEADER + (header % (1 << 24)) - gathered
}

const notClientHello = (type: number) => new ClientHelloError(`a handshake message of type ${type}`)

/** The body without its header, and without bytes that follow it in the last record. */
function bodyOf(parts: Buffer[], length: number): Buffer {
  const [first] = parts
  const whole = parts.length === 1 && first ? first : Buffer.concat(parts)
  return whole.subarray(HANDSHAKE_HEADER, HANDSHAKE_HEADER + length)
}
