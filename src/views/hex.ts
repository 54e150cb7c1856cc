// Any bytes: an offset, sixteen of them in hex, and the same in ASCII.
import type { Page } from './page.js'
import type { View } from './view.js'

/** Bytes of a line. */
const ROW = 16

export const hex: View = {
  name: 'hex',
  help: 'offset, bytes in hex, and in ASCII',
  priority: () => 0.1,
  render(content, _, page) {
    writeHex(page, content)
    return undefined
  },
}

/** Writes a dump. */
export function writeHex(page: Page, content: Buffer): void {
  for (let at = 0; at < content.length; at += ROW) {
    const row = content.subarray(at, at + ROW)
    const bytes = row
      .toString('hex')
      .replace(/../g, '$& ')
      .padEnd(3 * ROW)
    page.text(at.toString(16).padStart(8, '0'), 'comment')
    page.line(`  ${bytes} ${row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')}`)
  }
}

/** Bytes of a value that are shown within a line. */
const SHORT = 64

/** A few bytes within a line: `h'00ff'`, the beginning of more of them. */
export function shortHex(bytes: Buffer): string {
  const shown = bytes.subarray(0, SHORT).toString('hex')
  return bytes.length > SHORT ? `h'${shown}…' (${bytes.length} bytes)` : `h'${shown}'`
}
