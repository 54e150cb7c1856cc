// Requests to the remote API, with the types of its table.
import { signal } from '@preact/signals'
import type { AnswerOf } from '../../../api/endpoint.js'
import type { Api, EndpointName } from '../../../api/index.js'

/** What an endpoint answers. */
export type Answer<Name extends EndpointName> = AnswerOf<Api[Name]>

export type Flow = Answer<'getFlow'>
export type Row = Answer<'listFlows'>['rows'][number]
export type Message = Answer<'listMessages'>['messages'][number]
export type State = Answer<'getState'>
export type Usage = Answer<'getUsage'>
export type Option = Answer<'listOptions'>['options'][number]
export type Modes = Answer<'listModes'>
export type Peer = Answer<'listPeers'>['peers'][number]
export type LogLine = Answer<'getLog'>['lines'][number]
export type Rendered = Answer<'viewContent'>

/** The server has answered that this was wrong; `code` is one of the API's. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** The server wants a token or a password first. */
export const locked = signal(false)

type Values = Record<string, string | number | boolean | undefined>

/** An address of the API: `/api/flows?limit=1`. */
export function address(path: string, query: Values = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  const text = new URLSearchParams(given).toString()
  return `/api${path}${text && `?${text}`}`
}

async function send(method: string, url: string, body?: unknown, fields: HeadersInit = {}): Promise<Response> {
  const raw = body instanceof Blob || body instanceof Uint8Array
  const type = raw ? 'application/octet-stream' : 'application/json'
  const response = await fetch(url, {
    method,
    headers: { ...fields, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && {
      body: raw ? (body as BodyInit) : JSON.stringify(body),
    }),
  })
  locked.value = response.status === 401
  if (response.ok) return response
  const failure = await response.json().catch(() => undefined)
  const { code = 'ERR_HTTP', message = `The server has answered ${response.status}` } = failure?.error ?? {}
  throw new ApiError(response.status, code, message)
}

async function json<T>(response: Promise<Response>): Promise<T> {
  const answer = await response
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

export const get = <T>(path: string, query?: Values): Promise<T> => json<T>(send('GET', address(path, query)))

export const getText = async (path: string, query?: Values) => (await send('GET', address(path, query))).text()

/** `most`: the first so many bytes. */
export async function getBytes(path: string, query?: Values, most?: number): Promise<Uint8Array<ArrayBuffer>> {
  const range: HeadersInit = most === undefined ? {} : { range: `bytes=0-${most - 1}` }
  return new Uint8Array(await (await send('GET', address(path, query), undefined, range)).arrayBuffer())
}

/** POST, PUT, PATCH or DELETE. */
export const change = <T = undefined>(method: string, path: string, body?: unknown): Promise<T> =>
  json<T>(send(method, path.startsWith('/api/') ? path : address(path), body))
