// Bytes as hexadecimal digits, sixteen a line: to be read, with the characters that they are in ASCII, and to be edited.
const PER_LINE = 16

export const hexOf = (bytes: Uint8Array): string =>
  byLine(bytes, (digits, part, from) => {
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    return `${from.toString(16).padStart(8, '0')}  ${digits.padEnd(PER_LINE * 3 - 1)}  ${text}`
  })

/** The digits alone. */
export const digitsOf = (bytes: Uint8Array): string => byLine(bytes, (digits) => digits)

function byLine(bytes: Uint8Array, write: (digits: string, part: readonly number[], from: number) => string): string {
  const lines: string[] = []
  for (let from = 0; from < bytes.length; from += PER_LINE) {
    const part = [...bytes.subarray(from, from + PER_LINE)]
    lines.push(write(part.map((byte) => byte.toString(16).padStart(2, '0')).join(' '), part, from))
  }
  return lines.join('\n')
}

/** The bytes of digits, with or without spaces between them; undefined where they are none. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  )
}
