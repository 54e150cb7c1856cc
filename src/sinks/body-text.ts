// Bodies and messages for a terminal: text as text, cut after so many lines; anything else as a hex dump.
import { manyLines, sizeText } from './text.js'

/** Bytes of a hex dump that is cut short. */
const SHORT_DUMP = 256
/** Characters of one line of a body that is cut short: minified scripts are one line. */
const SHORT_LINE = 1000

const INDENT = '    '

/** Lines, indented and with their newlines; `lines` is how many of them at most, Infinity for all. */
export function bodyText(content: Buffer, lines: number): string {
  if (content.length === 0) return ''
  const text = asText(content)
  return text === undefined
    ? hexDump(content, Number.isFinite(lines) ? SHORT_DUMP : content.length)
    : cutText(text, lines)
}

/** The text that bytes are in UTF-8; undefined where they are none. The end may be missing. */
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

/** Offset, sixteen bytes, and what of them is ASCII. */
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
