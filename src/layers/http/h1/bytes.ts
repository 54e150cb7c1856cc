// The table of bytes that are allowed in methods, field names, values and so on, as flags. A look-up takes about a nanosecond.

/** Methods and field names (RFC 9110, 5.6.2). */
export const TOKEN = 1
/** Field values, reason phrases, chunk extensions: HTAB, SP, visible bytes, 0x80 and above. */
export const TEXT = 2
/** Request targets: visible bytes, and 0x80 and above, which some clients send. */
export const TARGET = 4
/** A host with its port (RFC 3986, 3.2.2): unreserved, percent, sub-delims, brackets and colons. */
export const HOST = 8
export const DIGIT = 16

export const CR = 13
export const LF = 10
export const SPACE = 32
export const TAB = 9
export const COLON = 58

export const FLAGS = new Uint8Array(256)

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function mark(flag: number, characters: string): void {
  for (let at = 0; at < characters.length; at++) {
    const code = characters.charCodeAt(at)
    FLAGS[code] = (FLAGS[code] as number) | flag
  }
}

mark(DIGIT, '0123456789')
mark(TOKEN, `${ALPHANUMERIC}!#$%&'*+-.^_\`|~`)
mark(HOST, `${ALPHANUMERIC}-._~%!$&'()*+,;=:[]`)
mark(TEXT, '\t ')
for (let byte = 0x21; byte < 256; byte++) if (byte !== 0x7f) mark(TEXT | TARGET, String.fromCharCode(byte))

/** True when every character has the flag. */
export function all(text: string, flag: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (((FLAGS[text.charCodeAt(at)] ?? 0) & flag) === 0) return false
  }
  return true
}

/** The value of a hex digit, or -1. */
export function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
