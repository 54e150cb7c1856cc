// The record of an HTTP flow from the values that were written of it, in either form.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { StoredBytes } from '../flow/body.js'
import type { HttpVersion } from '../flow/http-message.js'
import { type BodyRecord, type HttpRecord, RECORD_VERSION } from '../flow/record.js'
import { readConnection } from './connection-text.js'

/** Stands for undefined where a text may be empty. */
export const NONE = '\x01'

/** Stands between the texts of a list. */
export const SEPARATOR = '\x01'

export const VERSIONS: readonly HttpVersion[] = ['1.0', '1.1', '2.0', '3.0']

interface MessageValues {
  readonly version: HttpVersion | undefined
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** Of the body. */
  readonly length: number
  /** The recorded part of the body; undefined for nothing. */
  readonly stored: Buffer | StoredBytes | undefined
  readonly fields: string[]
}

export interface HttpValues extends Pick<HttpRecord, 'id' | 'createdAt' | 'endedAt' | 'killed'> {
  readonly replayed: HttpRecord['replayed']
  readonly marked: string
  readonly comment: string
  readonly error: HttpRecord['error']
  /** As JSON; `server` may be empty. */
  readonly client: string
  readonly server: string
  readonly protocol: string | undefined
  readonly request: MessageValues & {
    readonly method: string
    readonly path: string
    readonly isSecure: boolean
    readonly host: string
    readonly port: number
    readonly absolute: string
    readonly authority: string
    readonly pseudoOrder: string
  }
  readonly response: (MessageValues & { readonly status: number; readonly reason: string }) | undefined
}

/** `short`: the short bytes, which connections have the numbers of. */
export function httpRecord(values: HttpValues, short: readonly Buffer[]): HttpRecord {
  const { id, client, server, error, createdAt, endedAt, killed, replayed, marked, comment, request, response } = values
  const message = ({ version, fields, startedAt, endedAt: end, ...body }: MessageValues) => ({
    ...{ version: version ?? '1.1', headers: fields, trailers: undefined, irregularities: [], body: bodyOf(body) },
    ...{ startedAt: startedAt ?? createdAt, endedAt: end },
  })
  return {
    ...{ version: RECORD_VERSION, type: 'http', id, createdAt, endedAt, killed, replayed, marked, comment, error },
    client: readConnection(client, short) as ClientConnection,
    server: server === '' ? undefined : (readConnection(server, short) as ServerConnection),
    metadata: {},
    request: {
      ...{ method: request.method, path: request.path, scheme: request.isSecure ? 'https' : 'http' },
      ...{ host: request.host, port: request.port, protocol: values.protocol },
      absolute: optional(request.absolute),
      authority: optional(request.authority),
      pseudoOrder: request.pseudoOrder === '' ? undefined : request.pseudoOrder.split(SEPARATOR),
      ...message(request),
    },
    response: response && { status: response.status, reason: response.reason, ...message(response) },
    ...{ upgrade: undefined, websocket: undefined, messages: undefined },
  }
}

const optional = (text: string) => (text === NONE ? undefined : text)

function bodyOf({ length, stored = EMPTY }: Pick<MessageValues, 'length' | 'stored'>): BodyRecord {
  return { length, stored: Buffer.isBuffer(stored) ? { size: stored.length, bytes: () => stored } : stored }
}

const EMPTY = Buffer.alloc(0)
