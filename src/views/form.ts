// Names and values: of forms in a body, and of the query in a path.
import type { Page } from './page.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

export const urlencoded: View = {
  name: 'urlencoded',
  help: 'forms: a name and its value a line',
  priority: (content, { contentType }) =>
    content.length > 0 && mediaType(contentType) === 'application/x-www-form-urlencoded' ? 0.8 : 0,
  render(content, metadata, page) {
    writePairs(page, textOf(content, metadata).trim())
    return undefined
  },
}

export const query: View = {
  name: 'query',
  help: 'the query of the URL: a name and its value a line',
  priority: (content, { path, fromClient }) => (content.length === 0 && fromClient && queryOf(path) !== '' ? 0.5 : 0),
  render(_, { path }, page) {
    writePairs(page, queryOf(path))
    return undefined
  },
}

export function queryOf(path = ''): string {
  const at = path.indexOf('?')
  return at === -1 ? '' : path.slice(at + 1)
}

function writePairs(page: Page, text: string): void {
  if (text === '') return
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=')
    page.text(decoded(at === -1 ? pair : pair.slice(0, at)), 'name')
    page.text(at === -1 ? '' : ': ')
    page.line(at === -1 ? '' : decoded(pair.slice(at + 1)), 'string')
  }
}

/** A name or value without its escapes (URL, 5.1); one that is not UTF-8 stays as it is. */
export function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
