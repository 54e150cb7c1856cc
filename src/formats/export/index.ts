// The formats in which a flow of HTTP can be exported, by their names.
import { MidwireError, nearest } from '../../errors.js'
import type { AnyFlow } from '../../flow/index.js'
import { curl } from './curl.js'
import { fetchCall } from './fetch.js'
import { httpie } from './httpie.js'
import type { ExportOptions } from './message.js'
import { pythonRequests } from './python.js'
import { raw, rawRequest, rawResponse } from './raw.js'

export type { ExportOptions } from './message.js'

/** `fetch`: JavaScript; `python-requests`: a Python program; `raw`: request and response as HTTP/1 has them. */
export type ExportFormat = 'curl' | 'httpie' | 'fetch' | 'python-requests' | 'raw' | 'raw_request' | 'raw_response'

const WRITERS: Readonly<Record<ExportFormat, (flow: AnyFlow, options?: ExportOptions) => string | Buffer>> = {
  curl,
  httpie,
  fetch: fetchCall,
  'python-requests': pythonRequests,
  raw,
  raw_request: rawRequest,
  raw_response: rawResponse,
}

export const EXPORT_FORMATS = Object.keys(WRITERS) as readonly ExportFormat[]

/**
 * A flow in a format: commands and programs as text, raw messages as bytes. Nothing that was recorded is run as part of a command. Throws
 * ERR_ARGUMENT for a format that is unknown, a flow that is not of HTTP, and a body that was not recorded whole.
 */
export function exportFlow(format: ExportFormat, flow: AnyFlow, options: ExportOptions = {}): string | Buffer {
  const write = Object.hasOwn(WRITERS, format) ? WRITERS[format] : undefined
  if (write) return write(flow, options)
  const meant = nearest(format, EXPORT_FORMATS)
  throw new MidwireError(
    'ERR_ARGUMENT',
    `there is no format ${format}: ${meant ? `did you mean ${meant}?` : EXPORT_FORMATS.join(', ')}`,
  )
}
