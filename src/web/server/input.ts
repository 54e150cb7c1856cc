// Reads what a request gives by the schemas of its endpoint: parameters of path and query, and the body. A mistake is named with its place.
import type { IncomingMessage } from 'node:http'
import { type GenericSchema, getDotPath, safeParse } from 'valibot'
import { ApiError } from './failure.js'

/** Bytes of JSON in a request. */
export const MAX_JSON = 1 << 20

/** Throws an ApiError, 400. `place`: `query`, `body` ... */
export function checked(schema: GenericSchema, value: unknown, place: string): unknown {
  const result = safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const path = getDotPath(issue)
  const at = path === null ? place : `${place}.${path}`
  throw new ApiError(400, 'ERR_INPUT', `${at}: ${issue.message}`, at)
}

/** The parameters of a query by the types of their schema: a number and a boolean are texts there, and a list is given several times. */
export function queryOf(schema: GenericSchema | undefined, given: URLSearchParams): unknown {
  if (!schema) return {}
  const { entries = {} } = schema as GenericSchema & { readonly entries?: Record<string, GenericSchema> }
  const values: Record<string, unknown> = {}
  for (const name of new Set(given.keys())) {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
    if (!entry) throw new ApiError(400, 'ERR_INPUT', `query: there is no parameter ${name.slice(0, 100)}`, 'query')
    const all = given.getAll(name)
    const type = typeOf(entry)
    if (type !== 'array' && all.length > 1) {
      throw new ApiError(400, 'ERR_INPUT', `query.${name}: it is given twice`, `query.${name}`)
    }
    values[name] = type === 'array' ? all : readText(all[0] ?? '', type)
  }
  return checked(schema, values, 'query')
}

/** The parameters of a path. */
export const paramsOf = (schema: GenericSchema | undefined, given: Readonly<Record<string, string>>): unknown => {
  if (!schema) return {}
  const { entries = {} } = schema as GenericSchema & { readonly entries?: Record<string, GenericSchema> }
  const values = Object.entries(given).map(([name, text]) => [
    name,
    entries[name] && readText(text, typeOf(entries[name])),
  ])
  return checked(schema, Object.fromEntries(values), 'path')
}

/** The type below `optional`. */
function typeOf(schema: GenericSchema): string {
  const { wrapped } = schema as GenericSchema & { readonly wrapped?: GenericSchema }
  return wrapped ? typeOf(wrapped) : schema.type
}

function readText(text: string, type: string): unknown {
  if (type === 'number') return /^-?\d{1,16}$/.test(text) ? Number(text) : text
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** The body as JSON; without one an empty object. Throws an ApiError: 413 before the body is read where its length says so, 415 and 400. */
export async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const text = (await collected(request, MAX_JSON)).toString()
  if (text === '') return {}
  const type = request.headers['content-type'] ?? ''
  // No other site can send this type without being asked for it first (CORS).
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, 'ERR_INPUT', 'the body has to be JSON, with Content-Type: application/json')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(400, 'ERR_INPUT', `body: no JSON: ${(error as Error).message}`, 'body')
  }
}

/** The whole body. Throws an ApiError, 413, where it is longer: at once, where its length says so. */
export async function collected(request: IncomingMessage, most: number): Promise<Buffer> {
  const given = Number(request.headers['content-length'] ?? 0)
  if (given > most) throw tooLong(most)
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > most) throw tooLong(most)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

const tooLong = (most: number) =>
  new ApiError(413, 'ERR_INPUT', `the body is longer than ${most >= 1 << 20 ? `${most >> 20} MiB` : `${most} bytes`}`)
