// Conversations of a WebSocket: frames as both sides write them, and a playbook in which one has begun.
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from '../../src/flow/http.js'
import { type Context, origin } from '../../src/layers/layer.js'
import { Playbook, type PlaybookOptions } from './playbook.js'

export interface FrameParts {
  fin?: boolean
  rsv?: number
  opcode?: number
  payload?: string | Buffer
  /** Given: the frame is masked. */
  mask?: Buffer
  /** Given: the length as it is written, with 8 bytes. */
  length?: bigint
}

/** A frame, right or wrong, written without midwire's own code. */
export function frame(parts: FrameParts): Buffer {
  const { fin = true, rsv = 0, opcode = 1, payload = '', mask, length } = parts
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const bit = mask ? 0x80 : 0
  let head: Buffer
  if (length !== undefined || bytes.length > 0xffff) {
    head = Buffer.alloc(10)
    head.writeBigUInt64BE(length ?? BigInt(bytes.length), 2)
    head[1] = bit | 127
  } else if (bytes.length > 125) {
    head = Buffer.alloc(4)
    head.writeUInt16BE(bytes.length, 2)
    head[1] = bit | 126
  } else head = Buffer.from([0, bit | bytes.length])
  head[0] = first
  if (!mask) return Buffer.concat([head, bytes])
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ (mask[at % 4] as number))])
}

export const MASK = Buffer.from([0x11, 0x82, 0x33, 0xc4])

/** A frame of a client. */
export const up = (parts: FrameParts | string) =>
  frame({ mask: MASK, ...(typeof parts === 'string' ? { payload: parts } : parts) })

/** A frame of a server. */
export const down = (parts: FrameParts | string) => frame(typeof parts === 'string' ? { payload: parts } : parts)

/** A Close frame's payload. */
export function closing(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return Buffer.concat([payload, Buffer.from(reason)])
}

/** The mask of frames that midwire makes: the playbook's ids give this one each time. */
export const OWN_MASK = Buffer.from([0, 0, 0, 0x0f])

export const toClient = (bytes: Buffer) => `send client ${JSON.stringify(bytes.toString('latin1'))}`
export const toServer = (bytes: Buffer) => `send server ${JSON.stringify(bytes.toString('latin1'))}`

/** The Close frames of midwire's own. */
export const closesClient = (code: number, reason = '') => toClient(down({ opcode: 8, payload: closing(code, reason) }))
export const closesServer = (code: number, reason = '') =>
  toServer(frame({ opcode: 8, payload: closing(code, reason), mask: OWN_MASK }))

export interface Opening {
  /** Sec-WebSocket-Extensions of the request and of the response. */
  offer?: string
  agreed?: string
  /** More fields of the request. */
  fields?: string
  version?: string
  settings?: PlaybookOptions
}

/** An HTTP connection that has become a WebSocket; nothing of it has been looked at by `said`. */
export function opened({ offer = '', agreed = '', version = '13', fields = '', settings = {} }: Opening = {}) {
  const play = new Playbook('http1', settings)
  const field = (value: string) => (value === '' ? '' : `Sec-WebSocket-Extensions: ${value}\r\n`)
  const key = `Sec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`
  play.data(
    play.client,
    `GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${version && key}${field(offer)}${fields}\r\n`,
  )
  play.said()
  const server = play.opened()
  const request = play.said().join('\n')
  play.data(
    server,
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${field(agreed)}\r\n`,
  )
  const response = play.said().join('\n')
  return { play, server, client: play.client, request, response }
}

/** The flow of a request that was answered with 101. */
export function upgradedFlow(context: Context, agreed: string): HttpFlow {
  const place = { scheme: 'http', host: 'x', port: 80, path: '/' } as const
  const request = new HttpRequest({ method: 'GET', version: '1.1', headers: new HttpHeaders(), ...place }, 0, 0)
  const flow = new HttpFlow(origin(context), request)
  const headers = agreed === '' ? {} : { 'Sec-WebSocket-Extensions': agreed }
  flow.response = new HttpResponse({ status: 101, headers })
  return flow
}
