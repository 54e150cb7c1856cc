// Writes the text of a flow in UTF-8, with NUL between its values. Most values are a few ASCII characters, which take longer to hand to Node than to copy.

/** Characters of a value from which on Node writes it faster. */
const LONG = 96

/** Stands for the end of what cannot be written: there is NUL in a value. */
export const UNFIT = -1

/** Values are texts, or the bytes of texts that have no NUL. Gives the end of what was written, or UNFIT. */
export function writeTexts(target: Buffer, start: number, texts: readonly (string | Buffer)[]): number {
  let at = start
  for (const text of texts) {
    if (at !== start) target[at++] = 0
    if (typeof text === 'string') {
      at = writeText(target, at, text)
      if (at === UNFIT) return UNFIT
    } else {
      target.set(text, at)
      at += text.length
    }
  }
  return at
}

function writeText(target: Buffer, at: number, text: string): number {
  const { length } = text
  if (length > LONG) return writeAny(target, at, text)
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0 || code > 0x7f) return writeAny(target, at, text)
    target[at + index] = code
  }
  return at + length
}

const writeAny = (target: Buffer, at: number, text: string): number =>
  text.includes('\0') ? UNFIT : at + target.write(text, at)
