// The key by which server replay finds the recorded answer to a request: what of it counts, as options say (mitmproxy's serverplayback).
import { createHash } from 'node:crypto'
import type { HttpRequest } from '../flow/http.js'
import type { Options } from '../options/definitions.js'

/** The options that decide what of a request counts. */
export const KEY_OPTIONS = [
  'server_replay_use_headers',
  'server_replay_ignore_content',
  'server_replay_ignore_host',
  'server_replay_ignore_port',
  'server_replay_ignore_params',
  'server_replay_ignore_payload_params',
] as const

export type KeyOptions = Pick<Options, (typeof KEY_OPTIONS)[number]>

/** The most bytes of a form whose parameters are looked at. A longer one counts byte for byte. */
const MAX_FORM = 16 << 20
/** The most characters of a key that is no hash. */
const MAX_TEXT = 256

/** What counts, or its hash where that is shorter: scheme, method, path, parameters of the query, body, the host that the client has named, port. */
export function replayKey(request: HttpRequest, options: KeyOptions): string {
  const [path = '', query = ''] = splitAt(request.path, '?')
  const ignored = options.server_replay_ignore_params
  const parts: unknown[] = [request.scheme, request.method, path]
  if (!options.server_replay_ignore_content) parts.push(contentOf(request, options.server_replay_ignore_payload_params))
  if (!options.server_replay_ignore_host) parts.push(request.prettyHost.toLowerCase())
  if (!options.server_replay_ignore_port) parts.push(request.port)
  parts.push(query === '' ? [] : [...new URLSearchParams(query)].filter(([name]) => !ignored.includes(name)))
  parts.push(options.server_replay_use_headers.map((name) => [name.toLowerCase(), request.headers.get(name) ?? null]))
  const text = JSON.stringify(parts)
  return text.length <= MAX_TEXT ? text : hashOf(text)
}

const hashOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('base64')

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** The body, or of a form those parameters that are not ignored. */
function contentOf(request: HttpRequest, ignored: readonly string[]): unknown {
  const type = request.headers.get('content-type') ?? ''
  if (ignored.length > 0 && request.body.recorded <= MAX_FORM) {
    const counts = ([name]: readonly [string, string]) => !ignored.includes(name)
    if (/^application\/x-www-form-urlencoded\b/i.test(type))
      return [...new URLSearchParams(request.decodedContent.toString())].filter(counts)
    const boundary = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type)
    const parts = boundary && partsOf(request.decodedContent.toString('latin1'), boundary[1] ?? boundary[2] ?? '')
    if (parts) return parts.filter(counts)
  }
  // Most requests have no body, and a hash costs more than all the rest.
  return request.body.length === 0 ? '' : hashOf(request.content)
}

/** The names and values of a multipart form (RFC 7578), without the fields of its parts; undefined where it is none. */
function partsOf(content: string, boundary: string): [name: string, value: string][] | undefined {
  const pieces = content.split(`--${boundary}`).slice(1, -1)
  const parts = pieces.map((piece): [string, string] => {
    const [head, value] = splitAt(piece, '\r\n\r\n')
    const name = /\bname="([^"]*)"/i.exec(head)?.[1] ?? ''
    return [Buffer.from(name, 'latin1').toString(), value.replace(/\r\n$/, '')]
  })
  return parts.length > 0 ? parts : undefined
}
