// Draws a QR code for a terminal.
import { renderUnicodeCompact } from 'uqr'

/** Modules of margin on each side (ISO/IEC 18004, 9.1). */
const QUIET_ZONE = 4

/** White on black in every theme: the characters are the light modules, the background is the dark ones. */
const COLORS = ['\x1b[38;5;231;48;5;16m', '\x1b[0m'] as const

/**
 * The lines of a QR code, each with its newline; undefined where the code is wider than `columns`, or `text` is too long for any.
 * Without colours a phone can read the code only where the terminal has light text on a dark background.
 */
export function qrCode(text: string, columns: number, color: boolean): string | undefined {
  let rows: string[]
  try {
    rows = renderUnicodeCompact(text, { border: QUIET_ZONE }).split('\n')
  } catch {
    // The text is too long for the largest code.
    return undefined
  }
  if ((rows[0]?.length ?? 0) > columns) return undefined
  const [on, off] = color ? COLORS : ['', '']
  return rows.map((row) => `${on}${row}${off}\n`).join('')
}
