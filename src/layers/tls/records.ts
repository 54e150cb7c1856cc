// The records that carry a ClientHello (RFC 8446, 5.1): as many as the client likes, cut where it likes.
import { ClientHelloError } from './error.js'

/** Records and all: what a connection holds back at most while its protocol is not known. */
export const MAX_HELLO = 64 * 1024

const RECORD_HEADER = 5
const MAX_RECORD = 1 << 14
const HANDSHAKE = 22
const CLIENT_HELLO = 1
/** A type and three bytes of length. */
const HANDSHAKE_HEADER = 4

/**
 * The body of the ClientHello at the start of a stream; undefined while it is not whole. Throws a ClientHelloError as soon as
 * no bytes that may follow can make it one.
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
    // What is missing comes in this record, and in further ones, which have headers, too.
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

/** The part of a record's header that is there: handshake, and a version that begins with 3. */
function checkHeader(bytes: Buffer, at: number): void {
  if (bytes[at] !== HANDSHAKE) throw new ClientHelloError(`a record of type ${bytes[at]} instead of a handshake`)
  const major = bytes[at + 1]
  if (major !== undefined && major !== 3) throw new ClientHelloError(`a record of version ${major}`)
}

function recordLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt16BE(at + 3)
  // Empty ones are forbidden for handshakes; without the rule there would be no end to them.
  if (length === 0 || length > MAX_RECORD) throw new ClientHelloError(`a record of ${length} bytes`)
  return length
}

/** How many bytes of the handshake message have not come, as far as can be said; 0 or less when it is whole. */
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

/** The body alone; what follows it in its last record is not its. */
function bodyOf(parts: Buffer[], length: number): Buffer {
  const [first] = parts
  const whole = parts.length === 1 && first ? first : Buffer.concat(parts)
  return whole.subarray(HANDSHAKE_HEADER, HANDSHAKE_HEADER + length)
}
