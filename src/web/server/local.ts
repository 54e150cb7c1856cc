// The remote API without a network: calls of a client of the same process go to the handlers, with the same checks as any request.
import { Readable } from 'node:stream'
import { type EndpointTable, isBytes } from '../api/endpoint.js'
import { API } from '../api/index.js'
import { createClient, type MidwireApi } from '../client/client.js'
import { HANDLERS } from '../handlers/index.js'
import type { BytesAnswer, Call, Handler, Surroundings } from './call.js'
import { failureOf } from './failure.js'
import { checked, paramsOf, queryOf } from './input.js'
import { route } from './router.js'

/** A client whose calls stay in this process. It needs no token. `signal` ends its calls that wait. */
export function localApi(surroundings: Surroundings, signal = new AbortController().signal): MidwireApi {
  const send = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    try {
      return await perform(surroundings, new URL(String(url)), init, signal)
    } catch (error) {
      const { status, code, message, at } = failureOf(error)
      return Response.json({ error: { code, message, at } }, { status })
    }
  }
  return createClient({ url: 'http://midwire', fetch: send })
}

async function perform(
  surroundings: Surroundings,
  url: URL,
  { method = 'GET', body: given }: RequestInit,
  signal: AbortSignal,
): Promise<Response> {
  const { name, params } = route(method, url.pathname)
  const { params: inPath, query, body: wanted, response } = (API as EndpointTable)[name] as EndpointTable[string]
  const input = { ...(paramsOf(inPath, params) as object), ...(queryOf(query, url.searchParams) as object) }
  const isJson = wanted !== undefined && !isBytes(wanted)
  const body = isJson ? checked(wanted, JSON.parse(String(given)), 'body') : undefined
  const bytes = Readable.from(isJson || given == null ? [] : [Buffer.from(given as string)])
  const call = { ...surroundings, input, body, bytes, headers: {}, signal }
  const result = await (HANDLERS[name] as Handler<never>)(call as unknown as Call<never>)
  if (response === undefined) return new Response(null, { status: 204 })
  if (!isBytes(response)) return Response.json(result)
  const { type, content } = result as BytesAnswer
  const isWhole = typeof content === 'string' || Buffer.isBuffer(content)
  return new Response((isWhole ? content : Readable.toWeb(Readable.from(content))) as string, {
    headers: { 'Content-Type': type },
  })
}
