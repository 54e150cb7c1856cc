// Content as the text that it is, line by line; and whether it is text at all.
import { charsetOf } from '../flow/charset.js'
import { mediaType, type View, type ViewMetadata } from './view.js'

/** Bytes by which it is told whether content is text. */
const LOOKED_AT = 64 * 1024

/** The content as text, in the charset of its byte order mark, its type, or what it says of itself; else UTF-8. */
export function textOf(content: Buffer, { contentType }: Pick<ViewMetadata, 'contentType'>): string {
  return charsetOf(content, contentType).decode(content)
}

/** Whether the content is text in UTF-8, whose last character may be cut, or in the charset that it declares. */
export function isText(content: Buffer, { contentType }: Pick<ViewMetadata, 'contentType'>): boolean {
  const start = content.subarray(0, LOOKED_AT)
  const { source, decode } = charsetOf(start, contentType)
  const isDeclared = source !== 'default' && source !== 'fixed'
  if (start.includes(0) && !isDeclared) return false
  try {
    const text = isDeclared ? decode(start) : new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true })
    const strange = text.match(/[^\P{Cc}\s]|\ufffd/gu)?.length ?? 0
    return strange * 10 <= text.length
  } catch {
    return false
  }
}

export const text: View = {
  name: 'text',
  help: 'lines of text, as they are',
  priority: (content, metadata) =>
    isText(content, metadata) ? 0.2 : mediaType(metadata.contentType).startsWith('text/') ? 0.05 : 0,
  render(content, metadata, page) {
    page.text(textOf(content, metadata))
    return undefined
  },
}
