// Words of a POSIX shell: whatever bytes a flow has, a word is one argument, and nothing in it is run.
import { plainText } from './message.js'

/** Bytes that stand for themselves in a format of printf, within single quotes. No `-`, which could begin an option; no `!`, which bash expands. */
const LITERAL = /^[A-Za-z0-9 ,./:;=_<>()[\]{}&"+?@~|^$*#]$/

/**
 * One argument. `text`: a character is a byte; it has no NUL, which no argument can have, and no newline at its end. What is printable
 * UTF-8 stands there as it is; other bytes are made by printf, so that the command is plain text in any terminal and file.
 */
export function word(text: string): string {
  if (/^[A-Za-z0-9_./:@%+,-]+$/.test(text)) return text
  const plain = plainText(Buffer.from(text, 'latin1'))
  return plain === undefined ? `"$(printf '${format(Buffer.from(text, 'latin1'))}')"` : quoted(plain)
}

/** A text of any characters but NUL as one argument. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A command that writes these bytes, NUL among them, to the next one's input. */
export const pipe = (bytes: Buffer): string => `printf '${format(bytes)}' | `

/** The format of a printf that writes these bytes: POSIX has octal numbers of three digits there. */
function format(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    const one = String.fromCharCode(byte)
    text += LITERAL.test(one) ? one : `\\${byte.toString(8).padStart(3, '0')}`
  }
  return text
}
