// Bodies and messages as a terminal shows them: text as lines, up to a number of them; other bytes as a hex dump.
import { manyLines, sizeText } from './text.js'

/** Bytes that a short hex dump shows. */
const SHORT_DUMP = 256
/** Characters of a line that are shown where lines are limited: a minified script is one line. */
const SHORT_LINE = 1000

const INDENT = '    '

/** The body as indented lines, each with its newline: `lines` of them at most, Infinity for all. */
export function bodyText(content: Buffer, lines: number): string {
  if (content.length === 0) return ''
  const text = asText(content)
  return text === undefined
    ? hexDump(content, Number.isFinite(lines) ? SHORT_DUMP : content.length)
    : cutText(text, lines)
}

/** The bytes as UTF-8 text, whose last character may be cut; undefined where they are not text. */
function asText(content: Buffer): string | undefined {
  if (content.includes(0)) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content, { stream: true })
    const strange = text.match(/[^\P{Cc}\s]/gu)?.length ?? 0
    return strange * 10 > text.length ? undefined : text
  } catch {
    return undefined
  }
}

function cutText(text: string, lines: number): string {
  const all = text.replace(/\r?\n$/, '').split('\n', lines === Number.POSITIVE_INFINITY ? undefined : lines + 1)
  const short = Number.isFinite(lines)
  const shown = all.slice(0, lines).map((line) => {
    const safe = manyLines(line.endsWith('\r') ? line.slice(0, -1) : line)
    return `${INDENT}${short && safe.length > SHORT_LINE ? `${safe.slice(0, SHORT_LINE)}…` : safe}\n`
  })
  return shown.join('') + (all.length > lines ? `${INDENT}(cut off: flow_detail 4 shows everything)\n` : '')
}

/** Lines with an offset, sixteen bytes in hex, and the same bytes in ASCII. */
function hexDump(content: Buffer, limit: number): string {
  const shown = content.subarray(0, limit)
  let dump = ''
  for (let at = 0; at < shown.length; at += 16) {
    const row = shown.subarray(at, at + 16)
    const hex = row.toString('hex').replace(/../g, '$& ').padEnd(48)
    const ascii = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    dump += `${INDENT}${at.toString(16).padStart(8, '0')}  ${hex} ${ascii}\n`
  }
  return content.length > limit ? `${dump}${INDENT}(${sizeText(content.length)} in all)\n` : dump
}
