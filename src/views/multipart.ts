// Multipart bodies (RFC 2046, 5.1; RFC 7578): each part with its name, file name and type, and its content by the view that fits it.
import { isText } from './text.js'
import { mediaType, parameter, type View } from './view.js'

/** Parts that are shown. */
const MAX_PARTS = 1000
/** Bytes of a part's head: what is longer is content without a head. */
const MAX_HEAD = 16 * 1024

export const multipart: View = {
  name: 'multipart',
  help: 'multipart: parts with name and type, each shown by a view of its own',
  priority: (content, { contentType }) =>
    content.length > 0 && mediaType(contentType).startsWith('multipart/') ? 1 : 0,
  render(content, { contentType }, page) {
    const boundary = parameter(contentType, 'boundary') ?? boundaryOf(content)
    if (!boundary) throw new Error('there is no boundary')
    const parts = partsOf(content, Buffer.from(`--${boundary}`, 'latin1'))
    if (parts.length === 0) throw new Error('its boundary does not occur')
    for (const [index, part] of parts.slice(0, MAX_PARTS).entries()) {
      const { fields, body } = splitPart(part)
      const disposition = fields.get('content-disposition')
      const type = fields.get('content-type')
      const name = parameter(disposition, 'name')
      const file = parameter(disposition, 'filename')
      page.text(name === undefined ? `part ${index + 1}` : utf8(name), 'name')
      if (file !== undefined) page.text(` ${JSON.stringify(utf8(file))}`, 'string')
      page.line(` ${[type, `${body.length} bytes`].filter(Boolean).join(', ')}`, 'comment')
      page.depth += 1
      // A value of a form has no type, and stays as it is.
      if (type === undefined && file === undefined && isText(body, { contentType: undefined }))
        page.line(body.toString())
      else page.nested(body, type)
      page.depth -= 1
    }
    if (parts.length > MAX_PARTS) page.line(`(${parts.length - MAX_PARTS} more parts)`, 'comment')
    return undefined
  },
}

/** The boundary in the first line of a body whose type has none. */
function boundaryOf(content: Buffer): string | undefined {
  return /^(?:\r?\n)?--([^\r\n]{1,200})\r?\n/.exec(content.subarray(0, 256).toString('latin1'))?.[1]
}

/** The parts between the lines that begin with a delimiter; the last one may be cut. */
function partsOf(content: Buffer, delimiter: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let begin = -1
  let at = content.indexOf(delimiter)
  while (at !== -1) {
    const isLine = at === 0 || content[at - 1] === LF
    const after = at + delimiter.length
    if (isLine) {
      if (begin !== -1) parts.push(content.subarray(begin, Math.max(begin, at - (content[at - 2] === CR ? 2 : 1))))
      const isLast = content[after] === DASH && content[after + 1] === DASH
      const lineEnd = content.indexOf(LF, after)
      if (isLast || lineEnd === -1) return parts
      begin = lineEnd + 1
    }
    at = content.indexOf(delimiter, isLine ? begin : after)
  }
  if (begin !== -1) parts.push(content.subarray(begin))
  return parts
}

function splitPart(part: Buffer): { fields: Map<string, string>; body: Buffer } {
  const head = part.subarray(0, MAX_HEAD).toString('latin1')
  const [end, index] = blankLine(head)
  if (index === -1) return { fields: new Map(), body: part }
  const fields = new Map<string, string>()
  for (const line of head.slice(0, index).split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { fields, body: part.subarray(index + end.length) }
}

/** The blank line behind a head, which may be empty, and where it is; -1 where there is none. */
function blankLine(head: string): [mark: string, index: number] {
  const found = /^\r?\n|\r?\n\r?\n/.exec(head)
  return found ? [found[0], found.index] : ['', -1]
}

/** Fields are bytes; names and file names are UTF-8 as a rule. */
function utf8(latin1: string): string {
  const text = Buffer.from(latin1, 'latin1').toString()
  return text.includes('\ufffd') ? latin1 : text
}

const LF = 10
const CR = 13
const DASH = 45
