// A QR code that a phone reads from a terminal.
import { renderUnicodeCompact } from 'uqr'

/** Modules of margin on each side (ISO/IEC 18004, 9.1). */
const QUIET_ZONE = 4

/** White on black, whatever the theme is: light modules are drawn, dark ones are background. */
const COLORS = ['\x1b[38;5;231;48;5;16m', '\x1b[0m'] as const

/**
 * The lines of a QR code, each with its newline; undefined where it needs more than `columns`. Without colours it is right for
 * light text on a dark background.
 */
export function qrCode(text: string, columns: number, color: boolean): string | undefined {
  let rows: string[]
  try {
    rows = renderUnicodeCompact(text, { border: QUIET_ZONE }).split('\n')
  } catch {
    // Longer than the largest code.
    return undefined
  }
  if ((rows[0]?.length ?? 0) > columns) return undefined
  const [on, off] = color ? COLORS : ['', '']
  return rows.map((row) => `${on}${row}${off}\n`).join('')
}
