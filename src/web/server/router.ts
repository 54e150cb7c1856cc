// Finds the endpoint of a method and a path, by the table. Words of a path come before its parameters: /flows/file is no flow.
import { API, API_ROOT, type EndpointName } from '../api/index.js'
import { ApiError, notFound } from './failure.js'

export interface Route {
  readonly name: EndpointName
  readonly params: Readonly<Record<string, string>>
}

interface Pattern {
  readonly name: EndpointName
  readonly method: string
  readonly parts: readonly string[]
}

const PATTERNS: readonly Pattern[] = (Object.keys(API) as EndpointName[])
  .map((name) => ({ name, method: API[name].method, parts: `${API_ROOT}${API[name].path}`.split('/') }))
  .sort((one, other) => parameters(one) - parameters(other))

/** Throws an ApiError: 404, 405, and 400 for a path that cannot be decoded. */
export function route(method: string, path: string): Route {
  const given = path.split('/')
  const found = PATTERNS.filter(({ parts }) => fits(parts, given))
  if (found.length === 0) throw notFound(`endpoint ${path.slice(0, 200)}`)
  const wanted = method === 'HEAD' ? 'GET' : method
  const pattern = found.find((one) => one.method === wanted)
  if (!pattern) {
    const methods = [...new Set(found.map((one) => one.method))].join(', ')
    throw new ApiError(405, 'ERR_METHOD', `${path.slice(0, 200)} takes ${methods}`)
  }
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.parts.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(given[index] ?? '')
  }
  return { name: pattern.name, params }
}

function parameters({ parts }: Pattern): number {
  return parts.filter((part) => part.startsWith(':')).length
}

const fits = (parts: readonly string[], given: readonly string[]): boolean =>
  parts.length === given.length &&
  parts.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
