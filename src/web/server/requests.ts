// Answers a request: looks at where it comes from and who sends it, finds its endpoint, checks the input, and calls the handler.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type EndpointTable, isBytes } from '../api/endpoint.js'
import { API, API_ROOT } from '../api/index.js'
import { HANDLERS } from '../handlers/index.js'
import type { McpHandler } from '../mcp/http.js'
import type { Access } from './access.js'
import { sendBytes, sendFailure, sendJson, sendNothing } from './answer.js'
import type { BytesAnswer, Call, Handler, Surroundings } from './call.js'
import { ApiError } from './failure.js'
import type { Files } from './files.js'
import type { Guard } from './guard.js'
import { checked, jsonOf, MAX_JSON, paramsOf, queryOf } from './input.js'
import { route } from './router.js'

export interface Desk {
  readonly guard: Guard
  readonly access: Access
  readonly files: Files
  readonly surroundings: Surroundings
  readonly mcp: McpHandler
}

/** Of the Model Context Protocol. */
const MCP_PATH = '/mcp'

const isApiPath = (path: string) => path === API_ROOT || path.startsWith(`${API_ROOT}/`)

/** Never rejects. */
export async function answer(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    // A request line may have a whole URL; its host counts for nothing.
    const url = urlOf(request)
    const isMcp = url.pathname === MCP_PATH
    const isApi = isMcp || isApiPath(url.pathname)
    desk.guard.check(request, isApi)
    if (isApi) {
      await desk.access.check(request, url)
      if (isMcp) await desk.mcp(request, response)
      else await callEndpoint(desk, request, response, url)
    } else if (await desk.access.admit(request, response, url)) {
      if (request.method !== 'GET' && request.method !== 'HEAD') throw new ApiError(405, 'ERR_METHOD', 'pages are read')
      desk.files.send(request, response, decodeURIComponent(url.pathname))
    }
  } catch (error) {
    sendFailure(response, error)
  }
}

/** Throws an ApiError, 400. */
export function urlOf({ url = '/' }: IncomingMessage): URL {
  if (!url.startsWith('/'))
    throw new ApiError(400, 'ERR_INPUT', 'the request target has to be a path: this is no proxy')
  try {
    return new URL(`http://midwire${url.replace(/^\/+/, '/')}`)
  } catch {
    throw new ApiError(400, 'ERR_INPUT', 'the request target is no path')
  }
}

async function callEndpoint(desk: Desk, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const { name, params } = route(request.method ?? 'GET', url.pathname)
  const endpoint = (API as EndpointTable)[name]
  if (!endpoint) return
  url.searchParams.delete('token')
  const input = {
    ...(paramsOf(endpoint.params, params) as object),
    ...(queryOf(endpoint.query, url.searchParams) as object),
  }
  const { body: wanted } = endpoint
  const given = Number(request.headers['content-length'] ?? 0)
  if (!isBytes(wanted) && given > MAX_JSON) throw new ApiError(413, 'ERR_INPUT', 'the body is longer than 1 MiB')
  const body = wanted && !isBytes(wanted) ? checked(wanted, await jsonOf(request), 'body') : undefined
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const call = { ...desk.surroundings, input, body, bytes: request, headers: request.headers, signal: gone.signal }
  const result = await (HANDLERS[name] as Handler<never>)(call as unknown as Call<never>)
  if (response.destroyed) return
  if (endpoint.response === undefined) sendNothing(response)
  else if (isBytes(endpoint.response)) await sendBytes(request, response, result as BytesAnswer)
  else sendJson(response, result)
}
