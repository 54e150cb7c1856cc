// Checks the names that a certificate may be for, gives each one spelling, and bounds their number.
import { isIP } from 'node:net'
import { plainAddress } from '../addresses.js'

/** The most names of a leaf. Of a server's certificate with more, only the first ones are taken. */
export const MAX_NAMES = 100

/** One label of a host name. Many names have an underscore, although the standard does not allow one. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * A DNS name in lower case and ASCII (names in other scripts become punycode), without a dot at its end; undefined for text that
 * is no DNS name. With `wildcard`, the first label may be `*`.
 */
export function dnsName(text: string, wildcard = false): string | undefined {
  if (text.length === 0 || text.length > 255) return undefined
  let name = text.toLowerCase()
  if (name.endsWith('.')) name = name.slice(0, -1)
  if (/[^\x21-\x7e]/.test(name)) {
    const ascii = toAscii(name)
    if (ascii === undefined) return undefined
    name = ascii
  }
  const labels = name.split('.')
  if (wildcard && labels.length > 2 && labels[0] === '*') labels.shift()
  return name.length <= 255 && labels.every((label) => LABEL.test(label)) && !/^[\d.]+$/.test(name) ? name : undefined
}

/** Converts a name to ASCII by the rules of the URL standard (UTS 46). */
function toAscii(name: string): string | undefined {
  if (/[\p{Cc} /\\:@?#[\]%<>^|]/u.test(name)) return undefined
  try {
    return new URL(`http://${name}`).hostname
  } catch {
    return undefined
  }
}

/** The bytes of an address, which must be in the spelling of `plainAddress`. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [left = '', right] = address.split('::')
  const head = left ? left.split(':') : []
  const tail = right ? right.split(':') : []
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** The address of 4 or 16 bytes in the spelling of `plainAddress`; undefined for any other length. */
export function addressText(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return undefined
  return plainAddress((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'))
}

/** Whether a name of a certificate is `name`, or is a wildcard that stands for the first label of `name` (RFC 9525, 6.3). */
export function covers(certificateName: string, name: string): boolean {
  if (certificateName === name) return true
  if (!certificateName.startsWith('*.')) return false
  const dot = name.indexOf('.')
  return dot > 0 && isIP(name) === 0 && name.slice(dot) === certificateName.slice(1)
}
