// Whether a source text was squeezed into few long lines, so that it has to be broken into lines to be read.

/** Characters of a line on average, above which people do not write. */
const LONG = 120
/** Characters of a text that is short enough to be read as it is. */
const SHORT = 160

export function isSqueezed(text: string): boolean {
  if (text.length < SHORT && text.includes('\n')) return false
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return text.length / lines > LONG || lines === 1
}
