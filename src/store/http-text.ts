// A usual HTTP flow as numbers and a text. They take a small part of the time of JSON, and say the same.
import type { RecordedBody, StoredBytes } from '../flow/body.js'
import type { HttpFlow } from '../flow/http.js'
import type { HttpRecord } from '../flow/record.js'
import { connectionText } from './connection-text.js'
import { httpRecord, NONE, SEPARATOR, VERSIONS } from './http-record.js'
import { addBody, type Bodies, type Parts } from './parts.js'
import { isLatin1 } from './text-bytes.js'

/** The numbers before the lengths of the texts. */
const NUMBERS = 15

/** The parts of an HTTP flow; undefined for one that has what is unusual, and takes JSON. Of a body no more than `most` bytes are kept. */
export function httpParts(flow: HttpFlow, most: number): Parts | undefined {
  if (isUnusual(flow)) return undefined
  const { request, response, createdAt } = flow
  const short: Buffer[] = []
  const long: Buffer[] = []
  const bodies: Bodies = { short, long }
  const texts = [
    flow.id,
    connectionText(flow.client, short),
    flow.server ? connectionText(flow.server, short) : '',
    rarely(flow),
    request.method,
    request.path,
    request.host,
    request.absolute ?? NONE,
    request.authority ?? NONE,
    request.pseudoOrder?.join(SEPARATOR) ?? '',
    response?.reason ?? '',
  ]
  const numbers = [
    request.scheme === 'https' ? 1 : 0,
    request.port,
    VERSIONS.indexOf(request.version),
    since(createdAt, flow.endedAt),
    since(createdAt, request.startedAt),
    since(createdAt, request.endedAt),
    request.body.length,
    place(request.body, bodies, most),
    request.headers.raw.length,
    response ? response.status + 1 : 0,
    response ? VERSIONS.indexOf(response.version) : 0,
    response ? since(createdAt, response.startedAt) : 0,
    response ? since(createdAt, response.endedAt) : 0,
    response ? response.body.length : 0,
    response ? place(response.body, bodies, most) : 0,
  ]
  for (const number of numbers) if (!Number.isSafeInteger(number) || number < 0) return undefined
  let text = ''
  const add = (value: string) => {
    numbers.push(value.length)
    text += value
  }
  for (const value of texts) add(value)
  for (const value of request.headers.raw) add(value)
  if (response) for (const value of response.headers.raw) add(value)
  return isLatin1(text) ? { text: { text, numbers }, short, long } : undefined
}

function isUnusual({ request, response, websocket, messages, upgrade, metadata }: HttpFlow): boolean {
  if (websocket || messages || upgrade || request.trailers || response?.trailers) return true
  if (request.irregularities.length > 0 || (response && response.irregularities.length > 0)) return true
  for (const _ in metadata) return true
  return false
}

/** The values that few flows have, as JSON; empty for none of it. */
function rarely({ killed, replayed, marked, comment, error, request: { protocol } }: HttpFlow): string {
  if (!killed && replayed === undefined && marked === '' && comment === '' && !error && protocol === undefined)
    return ''
  return JSON.stringify({ killed, replayed, marked, comment, error, protocol })
}

/** Milliseconds from the start, and to it, that are written as a number: of 30 bits, which JavaScript has no object for. Few flows take six days. */
const MAX_TIME = 2 ** 29 - 1

/** 0 for no time; an odd number for whole milliseconds since the start, an even one for those before it; -1 for others. */
function since(start: number, time: number | undefined): number {
  if (time === undefined) return 0
  const length = (time - start) | 0
  if (length !== time - start || length > MAX_TIME || length < -MAX_TIME) return -1
  return length >= 0 ? 2 * length + 1 : -2 * length
}

/** Where the body lies: 0 for one without bytes, an odd number for its place among the short ones, an even one for that among the long ones. */
function place(body: RecordedBody, bodies: Bodies, most: number): number {
  const { n, l } = addBody(body.recorded === 0 ? undefined : body.content, bodies, most)
  return n !== undefined ? 2 * n + 1 : l !== undefined ? 2 * l + 2 : 0
}

/** The record of such numbers and such a text, of a flow that began at `createdAt`. */
export function readHttpText(
  { text, numbers }: { readonly text: string; readonly numbers: readonly number[] },
  createdAt: number,
  short: readonly Buffer[],
  long: readonly StoredBytes[],
): HttpRecord {
  const number = (at: number) => numbers[at] ?? 0
  const time = (at: number) => {
    const code = number(at)
    return code === 0 ? undefined : code % 2 === 1 ? createdAt + (code - 1) / 2 : createdAt - code / 2
  }
  const stored = (at: number) => {
    const code = number(at)
    return code % 2 === 1 ? short[(code - 1) / 2] : long[code / 2 - 1]
  }
  let end = 0
  const texts = numbers.slice(NUMBERS).map((length) => {
    end += length
    return text.slice(end - length, end)
  })
  const [id = '', client = '', server = '', rare = '', method = '', path = '', host = '', ...more] = texts
  const [absolute = NONE, authority = NONE, pseudoOrder = '', reason = '', ...fields] = more
  return httpRecord(
    {
      ...{ id, client, server, createdAt, endedAt: time(3) },
      ...{ killed: false, replayed: undefined, marked: '', comment: '', error: undefined, protocol: undefined },
      ...(rare !== '' && JSON.parse(rare)),
      request: {
        ...{ method, path, host, absolute, authority, pseudoOrder, isSecure: number(0) === 1, port: number(1) },
        ...{ version: VERSIONS[number(2)], startedAt: time(4), endedAt: time(5) },
        ...{ length: number(6), stored: stored(7), fields: fields.slice(0, number(8)) },
      },
      response:
        number(9) === 0
          ? undefined
          : {
              ...{
                status: number(9) - 1,
                reason,
                version: VERSIONS[number(10)],
                startedAt: time(11),
                endedAt: time(12),
              },
              ...{ length: number(13), stored: stored(14), fields: fields.slice(number(8)) },
            },
    },
    short,
  )
}
