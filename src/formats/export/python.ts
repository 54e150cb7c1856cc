// Exports a request as a Python program with the library requests.
import type { AnyFlow } from '../../flow/index.js'
import { hasField, joined, OF_THE_CONNECTION, plainText, sendable, urlOf, without } from './message.js'

/** What requests sends where it is not told otherwise; None is how it is told to send none. */
const OWN = ['User-Agent', 'Accept', 'Accept-Encoding']

/**
 * A program in ASCII for Python 3 that prints status and body. Requests takes each name once, so fields of one name are joined. Throws
 * ERR_ARGUMENT for a flow without a request that can be sent again.
 */
export function pythonRequests(flow: AnyFlow): string {
  const sent = sendable(flow)
  const { request, fields, body } = sent
  const kept = joined(without(fields, ...OF_THE_CONNECTION))
  const rows = kept.map(([name, value]) => `        ${literal(name)}: ${value === '' ? "''" : literal(value)},\n`)
  for (const name of OWN) if (!hasField(fields, name)) rows.push(`        '${name}': None,\n`)
  return [
    'import requests\n\n',
    'response = requests.request(\n',
    `    ${literal(request.method)},\n`,
    `    ${literal(urlOf(sent))},\n`,
    `    headers={\n${rows.join('')}    },\n`,
    body.length > 0 ? `    data=${data(body)},\n` : '',
    '    allow_redirects=False,\n',
    ')\n',
    'print(response.status_code, response.reason)\n',
    'print(response.text)\n',
  ].join('')
}

function data(body: Buffer): string {
  const text = plainText(body, /[\t\r\n]/)
  return text !== undefined && /^[\t\r\n\x20-\x7e]*$/.test(text)
    ? `b${literal(text)}`
    : literal(body.toString('latin1'))
}

/** A literal in ASCII: a string, or bytes where a character of the text, which is a byte, is beyond ASCII. */
function literal(text: string): string {
  const escaped = text.replace(/[\\']|[^\x20-\x7e]/g, (one) =>
    one === '\\' || one === "'"
      ? `\\${one}`
      : one === '\n'
        ? '\\n'
        : `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `${/[\x7f-\xff]/.test(text) ? 'b' : ''}'${escaped}'`
}
