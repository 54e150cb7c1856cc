// CSS: styles that were squeezed into few lines, with a declaration a line; others as they are.

import type { Page } from './page.js'
import { isSqueezed } from './squeezed.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

export const css: View = {
  name: 'css',
  help: 'CSS: a declaration a line',
  priority: (content, { contentType }) => (content.length > 0 && mediaType(contentType) === 'text/css' ? 0.95 : 0),
  render(content, metadata, page) {
    const text = textOf(content, metadata)
    if (isSqueezed(text)) writeCss(page, text)
    else page.text(text)
    return undefined
  },
}

/** A comment, a string, or a mark that ends or begins something (CSS Syntax, 4). What has no end goes to the end. */
const TOKEN = /\/\*|"|'|[{}();]|[^"'{}();/]+|\//g

function writeCss(page: Page, text: string): void {
  const base = page.depth
  let round = 0
  let begun = false
  const put = (part: string, style?: 'comment' | 'string' | 'mark') => {
    page.text(part, style)
    begun = true
  }
  const end = () => {
    if (begun) page.end()
    begun = false
  }
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [token] = match
    page.step()
    if (token === '/*' || token === '"' || token === "'") {
      const after = token === '/*' ? endOf(text, '*/', match.index + 2) : stringEnd(text, match.index)
      put(text.slice(match.index, after), token === '/*' ? 'comment' : 'string')
      if (token === '/*' && round === 0) end()
      TOKEN.lastIndex = after
    } else if (token === '(' || token === ')') {
      round = Math.max(0, round + (token === '(' ? 1 : -1))
      put(token)
    } else if (round > 0) {
      put(token)
    } else if (token === '{') {
      put(begun ? ' {' : '{', 'mark')
      end()
      page.depth += 1
    } else if (token === '}') {
      end()
      page.depth = Math.max(base, page.depth - 1)
      put('}', 'mark')
      end()
    } else if (token === ';') {
      put(';')
      end()
    } else {
      const words = begun ? token.replace(/\s+/g, ' ') : token.trimStart().replace(/\s+/g, ' ')
      const next = text[TOKEN.lastIndex]
      const shown = next === '{' || next === '}' ? words.trimEnd() : words
      if (shown !== '') put(shown)
    }
  }
  end()
  page.depth = base
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found + mark.length
}

/** The place behind a string that begins at `start`; an escaped quote does not end it. */
export function stringEnd(text: string, start: number): number {
  const quote = text[start]
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === quote || text[at] === '\n') return at + 1
  }
  return text.length
}
