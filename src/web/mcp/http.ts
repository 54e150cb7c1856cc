// MCP over the port of the API: requests of node:http as those of the Fetch standard, which the protocol's library speaks.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable, promises as streams } from 'node:stream'
import { createMcpHandler } from '@modelcontextprotocol/server'
import type { MidwireApi } from '../client/client.js'
import { collected } from '../server/input.js'
import { type McpOptions, mcpFactory } from './server.js'

/** Bytes of a request. */
const MAX_REQUEST = 4 << 20

/** Answers requests that may come in: their origin and token were looked at. */
export type McpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function mcpHandler(api: MidwireApi, options: McpOptions): McpHandler {
  const handler = createMcpHandler(mcpFactory(api, options), { maxRequestBodySize: MAX_REQUEST })
  return async (request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const { method = 'GET' } = request
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const fields = Object.entries(request.headers).filter(([name]) => !HOP.has(name)) as [string, string][]
    const answer = await handler.fetch(
      new Request(`http://midwire${request.url}`, {
        method,
        headers: fields.map(([name, value]): [string, string] => [name, String(value)]),
        signal: gone.signal,
        ...(hasBody && { body: await collected(request, MAX_REQUEST) }),
      }),
    )
    if (response.destroyed) return
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body) await streams.pipeline(Readable.fromWeb(answer.body as never), response)
    else response.end()
  }
}

/** Fields that are the connection's own, and that Fetch makes by itself. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host', 'upgrade', 'te'])
