// Takes secrets out of URLs, forms, bodies and messages.

import type { Secrets } from './redact.js'
import { REDACTED, redactJson } from './redact-json.js'

/** A parameter in a URL, its fragment or a form, wherever that stands in a text. */
const PARAMETER = /(^|[?&;#\s"'])([^=&;#?\s"'<>]+)=([^&;#\s"'<>]*)/g

/** The forms in which a body may have secrets. `opaque`: none that is known. */
type Form = 'json' | 'events' | 'form' | 'opaque'

/** The parameters in a text that has URLs in it, or is a form. */
export function redactParameters(text: string, { parameters }: Secrets): string {
  if (parameters.size === 0 || !text.includes('=')) return text
  return text.replace(PARAMETER, (whole, before: string, name: string) =>
    parameters.has(decode(name)) ? `${before}${name}=${REDACTED}` : whole,
  )
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

/** A body without its content coding. */
export function redactBody(content: Buffer, type: string | undefined, secrets: Secrets): Buffer {
  const text = content.toString('latin1')
  const form = formOf(type)
  const redacted = form === 'form' ? redactParameters(text, secrets) : redactText(text, form, secrets)
  return redacted === text ? content : Buffer.from(redacted, 'latin1')
}

/** Whether bodies are looked into at all. */
export const seeksBodies = ({ fields, parameters }: Secrets, type: string | undefined): boolean =>
  fields.length > 0 || (parameters.size > 0 && formOf(type) === 'form')

/** Whether a body of that type has fields or parameters, so that its bytes are not to be shown where they cannot be decoded. */
export const isUnderstood = (type: string | undefined): boolean => formOf(type) !== 'opaque'

function formOf(type = ''): Form {
  if (/json/i.test(type)) return 'json'
  if (/^\s*text\/event-stream/i.test(type)) return 'events'
  return /^\s*application\/x-www-form-urlencoded/i.test(type) ? 'form' : 'opaque'
}

function redactText(text: string, form: Form, secrets: Secrets): string {
  const { fields } = secrets
  if (fields.length === 0) return text
  if (form === 'json') return redactJson(text, fields, true)
  if (form === 'events') return redactEvents(text, secrets)
  // JSON that is not called so.
  return /^(?:\xef\xbb\xbf)?\s*[{[]/.test(text) ? redactJson(text, fields, false) : text
}

/** The `data` of each event is one text, whose lines stand in fields of their own. */
function redactEvents(text: string, secrets: Secrets): string {
  return text.replace(/(?:[^\r\n]+(?:\r\n|\r|\n|$))+/g, (event) => {
    const [newline = '\n'] = /\r\n|\r|\n/.exec(event) ?? []
    const lines = event.split(/\r\n|\r|\n/)
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''))
    const before = data.join('\n')
    const after = redactMessage(before, secrets)
    if (after === before) return event
    const first = lines.findIndex((line) => line.startsWith('data:'))
    const written = after.split('\n').map((line) => `data: ${line}`)
    const rest = lines.filter((line, index) => index > first && !line.startsWith('data:'))
    return [...lines.slice(0, first), ...written, ...rest].join(newline)
  })
}

/** What may stand before the JSON of a message: the packet type of socket.io, `42`, with its namespace. */
const PACKET = /^\s*\d*(?:\/[^,]*,\d*)?\s*(?=[{["])/

/** A message of a WebSocket, a stream or a raw flow, in latin1. */
function redactMessage(text: string, { fields }: Secrets): string {
  const prefix = PACKET.exec(text)?.[0]
  if (prefix === undefined || fields.length === 0) return text
  return prefix + redactJson(text.slice(prefix.length), fields, false)
}

export function redactMessageBytes(content: Buffer, secrets: Secrets): Buffer {
  if (secrets.fields.length === 0) return content
  const text = content.toString('latin1')
  const redacted = redactMessage(text, secrets)
  return redacted === text ? content : Buffer.from(redacted, 'latin1')
}
