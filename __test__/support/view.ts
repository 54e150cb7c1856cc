// What a view shows, as one text.
import type { ViewLine } from '../../src/views/page.js'
import { type Rendered, type RenderOptions, Views } from '../../src/views/render.js'

const views = new Views()

export const rendered = (content: string | Buffer, options: RenderOptions = {}): Rendered =>
  views.render(Buffer.from(content), options)

/** The lines without their styles, joined. */
export const plain = (lines: readonly ViewLine[]): string =>
  lines.map((line) => line.map((part) => (typeof part === 'string' ? part : part[1])).join('')).join('\n')

/** What is shown, and by which view. */
export function shown(content: string | Buffer, options: RenderOptions = {}): [view: string, text: string] {
  const { view, lines, note } = rendered(content, options)
  return [view, note === undefined ? plain(lines) : `${plain(lines)}\n[${note}]`]
}

/** Lines with the indentation of the first one taken away, for templates in tests. */
export function block(text: string): string {
  const lines = text.replace(/^\n|\n *$/g, '').split('\n')
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0
  return lines.map((line) => line.slice(indent)).join('\n')
}
