// Content as a view of the proxy shows it, as the API's JSON.

import type { InferOutput } from 'valibot'
import type { AnyFlow } from '../../index.js'
import type { Rendered, ViewQuery } from '../api/schemas/flow.js'
import type { Surroundings } from '../server/call.js'

const DEFAULT_LINES = 1_000

interface About {
  readonly contentType?: string | undefined
  readonly path?: string | undefined
  readonly kind?: 'body' | 'websocket' | 'tcp' | 'udp' | undefined
  readonly fromClient: boolean
  readonly flow: AnyFlow
  /** What is said where the view itself has nothing to say. */
  readonly note?: string | undefined
}

export function rendered(
  { proxy }: Surroundings,
  content: Buffer,
  { view, lines = DEFAULT_LINES, bytes }: InferOutput<typeof ViewQuery>,
  { note, contentType, path, kind = 'body', fromClient, flow }: About,
): InferOutput<typeof Rendered> {
  const shown = proxy.views.render(content, {
    ...{ contentType, path, kind, fromClient, flow, view, lines },
    ...(bytes !== undefined && { bytes }),
  })
  return {
    view: shown.view,
    cut: shown.cut,
    note: shown.note ?? note,
    lines: shown.lines.map((line) => line.map((part) => (typeof part === 'string' ? part : [part[0], part[1]]))),
  }
}
