// A typed client of the remote API, for programs and for browsers: a method for each endpoint, over fetch.
import { type AnswerOf, type Bytes, type Endpoint, type GivenBodyOf, type GivenOf, isBytes } from '../api/endpoint.js'
import { API, API_ROOT, type Api, type EndpointName } from '../api/index.js'
import { ApiFailure, type ClientOptions } from './contract.js'

/** JSON as it was read; of bytes the response itself, whose body is read by the caller; nothing for an endpoint that answers nothing. */
type Result<E extends Endpoint> = AnswerOf<E> extends Bytes ? Response : AnswerOf<E>

type Given<E extends Endpoint> = unknown extends GivenOf<E> ? Record<never, never> : GivenOf<E>

type Arguments<E extends Endpoint> = E['body'] extends object
  ? undefined extends GivenBodyOf<E>
    ? [given: Given<E>, body?: GivenBodyOf<E>]
    : [given: Given<E>, body: GivenBodyOf<E>]
  : Record<never, never> extends Given<E>
    ? [given?: Given<E>]
    : [given: Given<E>]

/**
 * A method for each endpoint: what stands in the path and the query comes first, and then the body: `api.listFlows({ filter: '~c 500' })`,
 * `api.editFlow({ id }, { marked: ':star:' })`. A method rejects with an ApiFailure where the answer is an error.
 */
export type MidwireApi = {
  readonly [Name in EndpointName]: (...given: Arguments<Api[Name]>) => Promise<Result<Api[Name]>>
}

/** Throws a TypeError for a URL that is none. */
export function createClient({ url, token, fetch: send = fetch }: ClientOptions = {}): MidwireApi {
  const base = url === undefined ? undefined : new URL(url)
  const secret = token ?? base?.searchParams.get('token') ?? undefined
  const origin = base?.origin ?? ''
  const call = async (name: EndpointName, given: Readonly<Record<string, unknown>> = {}, body?: unknown) => {
    const endpoint: Endpoint = API[name]
    const isJson = endpoint.body !== undefined && !isBytes(endpoint.body)
    const response = await send(`${origin}${targetOf(endpoint, given)}`, {
      method: endpoint.method,
      headers: {
        ...(secret !== undefined && { Authorization: `Bearer ${secret}` }),
        ...(isJson && { 'Content-Type': 'application/json' }),
      },
      ...(endpoint.body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string) }),
    })
    if (!response.ok) throw await failureOf(response)
    if (isBytes(endpoint.response)) return response
    return endpoint.response === undefined ? undefined : await response.json()
  }
  const methods = (Object.keys(API) as EndpointName[]).map((name) => [
    name,
    (given?: Readonly<Record<string, unknown>>, body?: unknown) => call(name, given, body),
  ])
  return Object.fromEntries(methods) as MidwireApi
}

/** Path and query of a call. */
function targetOf({ path }: Endpoint, given: Readonly<Record<string, unknown>>): string {
  const rest = new Map(Object.entries(given))
  const filled = path.replace(/:(\w+)/g, (_, name: string) => {
    const value = rest.get(name)
    rest.delete(name)
    return encodeURIComponent(String(value))
  })
  const query = new URLSearchParams()
  for (const [name, value] of rest) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one))
  }
  return `${API_ROOT}${filled}${query.size > 0 ? `?${query}` : ''}`
}

async function failureOf(response: Response): Promise<ApiFailure> {
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; at?: string } }
    return new ApiFailure(response.status, error)
  } catch {
    // What stands between has answered.
    return new ApiFailure(response.status, { code: 'ERR_HTTP', message: `the answer is ${response.status}` })
  }
}
