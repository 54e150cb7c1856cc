// The addresses of the addon's records as bytes and as text.
import { ipBytes, ipText } from '../addresses.js'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import * as records from './records.js'

/** The 4 or 16 bytes of an address. Throws ERR_ADDRESS, whose message begins with `purpose`. */
export function addressBytes(address: string, purpose: string): Uint8Array {
  const bytes = ipBytes(address)
  if (bytes) return bytes
  throw new MidwireError('ERR_ADDRESS', `${purpose} is not an IP address: ${JSON.stringify(address)}`)
}

function end(bytes: Buffer, port: number, ipv6: boolean): Address {
  return { address: ipText(ipv6 ? bytes : bytes.subarray(0, 4)), port, family: ipv6 ? 6 : 4 }
}

export const sourceOf = (header: Buffer): Address =>
  end(records.sourceBytes(header), records.sourcePort(header), records.isIpv6(header))

export const destinationOf = (header: Buffer): Address =>
  end(records.destinationBytes(header), records.destinationPort(header), records.isIpv6(header))
