// GraphQL over HTTP: the query as it was written, its variables as JSON; batches one after the other.
import { elements, members, unquoted, writeJson } from './json-text.js'
import type { Page } from './page.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

/** An object, or a list of them, which has a query in GraphQL's syntax as a member. */
const START = /^\s*(?:\[\s*)?\{/
const QUERY = /"query"\s*:\s*"(?:\\[nrt]|\s)*(?:\{|#|(?:query|mutation|subscription|fragment)\b[^"]{0,200}\{)/
/** Bytes in which the query has to begin. */
const LOOKED_AT = 16 * 1024

export const graphql: View = {
  name: 'graphql',
  help: 'GraphQL: query and variables, batches',
  priority(content, { contentType, fromClient }) {
    if (mediaType(contentType) === 'application/graphql') return content.length > 0 ? 0.9 : 0
    if (!fromClient || content.length === 0) return 0
    const start = content.subarray(0, LOOKED_AT).toString('latin1')
    return START.test(start) && QUERY.test(start) ? 0.97 : 0
  },
  render(content, metadata, page) {
    const text = textOf(content, metadata)
    if (mediaType(metadata.contentType) === 'application/graphql') page.text(text)
    else writeRequests(page, text)
    return undefined
  },
}

function writeRequests(page: Page, text: string): void {
  const list = /^\s*\[/.test(text) ? elements(text) : [text]
  for (const [index, one] of (list ?? []).entries()) {
    if (index > 0) page.line('---', 'comment')
    writeRequest(page, one)
  }
  if (!list) throw new Error('it is no JSON')
}

function writeRequest(page: Page, text: string): void {
  const parts = members(text)
  const query = unquoted(parts?.get('query') ?? '')
  if (!parts || query === undefined) {
    writeJson(page, text)
    return
  }
  for (const [key, value] of parts) {
    if (key === 'query' || value === 'null' || value === '{}') continue
    page.text(key, 'name')
    page.text(': ')
    writeJson(page, value)
  }
  page.line()
  page.line(query.trim())
}
