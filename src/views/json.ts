// JSON, JSON lines and JSON sequences, with an entry a line. Numbers, keys and their order stay as they are.
import { isJson, writeJson } from './json-text.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

/** JSON's type, those that end in +json, and those of JSON lines. */
const TYPE = /[/+](?:json(?:p|lines|l|-seq)?|x-ndjson|ndjson|x-jsonlines|x-json)$/
/** The first bytes of an object or array that is no other text in brackets. */
const START = /^(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:"|\})|\[\s*(?:[\]{["\d-]|true|false|null))/

export const json: View = {
  name: 'json',
  help: 'JSON, JSON lines: an entry a line',
  priority(content, { contentType }) {
    const type = mediaType(contentType)
    if (content.length === 0) return 0
    if (TYPE.test(type)) return 0.95
    if (!looksLikeJson(content)) return 0
    // Who sends JSON with the type of a form means JSON: it is curl's default.
    return type === '' || type === 'text/plain' || type.startsWith('application/') ? 0.85 : 0.5
  },
  render(content, metadata, page) {
    writeJson(page, textOf(content, metadata))
    return undefined
  },
}

/** Bytes by which content without JSON's type is told to be JSON. */
const LOOKED_AT = 2048

/** Whether the first 2,048 bytes are JSON, an object or an array. */
export function looksLikeJson(content: Buffer): boolean {
  const start = content.subarray(0, LOOKED_AT).toString('latin1')
  return START.test(start.slice(0, 256)) && isJson(start, content.length > LOOKED_AT)
}
