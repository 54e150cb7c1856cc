// Bodies and messages as a terminal shows them: what a view has written, indented, coloured, and without control characters.
import type { ViewLine, ViewStyle } from '../views/page.js'
import type { RenderOptions, Views } from '../views/render.js'
import { manyLines, oneLine, type Paint, type Style, sizeText } from './text.js'

/** Lines of a hex dump that are shown where lines are limited, and no view was asked for. */
const SHORT_DUMP = 16
/** Characters of a line that are shown where lines are limited: a minified script is one line. */
const SHORT_LINE = 1000

const INDENT = '    '

const STYLES: Readonly<Record<ViewStyle, Style>> = {
  name: 'cyan',
  string: 'green',
  number: 'yellow',
  literal: 'magenta',
  comment: 'dim',
  mark: 'bold',
  error: 'red',
}

export interface ContentOptions extends RenderOptions {
  /** The name of the view; `auto` for the one that fits best. */
  readonly view: string
  /** The most lines; Infinity for all, and all of the content. */
  readonly lines: number
}

/** The content as indented lines, each with its newline. */
export function contentText(views: Views, content: Buffer, paint: Paint, options: ContentOptions): string {
  const { view: wanted } = options
  const short = Number.isFinite(options.lines)
  const bytes = short ? undefined : Number.POSITIVE_INFINITY
  const { view, lines, cut, note } = views.render(content, { ...options, bytes })
  const isDump = short && view === 'hex' && wanted !== 'hex'
  let text = ''
  for (const line of isDump ? lines.slice(0, SHORT_DUMP) : lines) text += `${INDENT}${lineText(line, paint, short)}\n`
  if (isDump && lines.length > SHORT_DUMP) text += `${INDENT}(${sizeText(content.length)} in all)\n`
  else if (cut)
    text += `${INDENT}(cut off: ${short ? 'flow_detail 4 shows everything' : 'there is too much to show'})\n`
  return note === undefined ? text : `${text}${INDENT}(${oneLine(note)})\n`
}

function lineText(line: ViewLine, paint: Paint, short: boolean): string {
  let shown = ''
  let room = short ? SHORT_LINE : Number.POSITIVE_INFINITY
  for (const part of line) {
    const [style, text] = typeof part === 'string' ? [undefined, part] : part
    const safe = manyLines(text.length > room ? text.slice(0, room + 1) : text)
    const cut = safe.length > room ? `${safe.slice(0, room)}…` : safe
    shown += style ? paint(STYLES[style], cut) : cut
    room -= safe.length
    if (room < 0) break
  }
  return shown
}
