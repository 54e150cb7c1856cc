// The header before each datagram that passes between a SOCKS5 client and its relay (RFC 1928, 7).
import { readSocksAddress, type SocksPlace, socksAddress } from './address.js'

/** Two reserved bytes and FRAG; the place follows. */
const BEFORE_PLACE = 3

export interface SocksDatagram {
  /** From a client: where the datagram is to go. From a relay: where it has come from. */
  readonly place: SocksPlace
  /** The bytes before the data. */
  readonly header: Buffer
  readonly data: Buffer
}

/**
 * Takes the header off. The answer is what is wrong where there is none. Fragments (FRAG is not 0) are refused, as RFC 1928 has it for
 * relays that do not put them together; the reserved bytes are not looked at.
 */
export function parseSocksDatagram(bytes: Buffer): SocksDatagram | string {
  const read = readSocksAddress(bytes, BEFORE_PLACE)
  if (!read) return 'its header is not one of SOCKS5'
  if (bytes[2] !== 0) return 'it is a fragment of SOCKS5'
  return { place: read.place, header: bytes.subarray(0, read.end), data: bytes.subarray(read.end) }
}

/** The header of datagrams to a place, with names unresolved. Undefined for a name that is empty or too long. */
export function socksHeader(place: SocksPlace): Buffer | undefined {
  const address = socksAddress(place)
  return address && Buffer.concat([Buffer.alloc(BEFORE_PLACE), address])
}
