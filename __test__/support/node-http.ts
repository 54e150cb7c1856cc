// What node:http makes of a stream of bytes: the second opinion of the differential test. No socket is involved.
import { createServer, type IncomingMessage, request } from 'node:http'
import { Duplex } from 'node:stream'
import type { Message } from './http1.js'

export interface NodeOutcome {
  messages: Message[]
  error: string | undefined
}

/** One end of a connection: says `bytes`, then that it ends; what it hears is thrown away. */
class Said extends Duplex {
  constructor(bytes: Buffer) {
    super({ read() {}, write: (_chunk, _encoding, done) => done() })
    this.push(bytes)
    this.push(null)
  }

  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

function gather(message: IncomingMessage, start: Message['start'], done: (message: Message) => void): void {
  const taken: Message = {
    start,
    version: message.httpVersion,
    fields: message.rawHeaders,
    body: '',
    trailers: [],
  }
  message.on('data', (data: Buffer) => (taken.body += data.toString('latin1')))
  message.on('error', () => {})
  message.on('end', () => {
    taken.trailers = message.rawTrailers
    if (message.complete) done(taken)
  })
}

const settings = {
  requireHostHeader: false,
  maxHeaderSize: 1 << 20,
  requestTimeout: 0,
  headersTimeout: 0,
  keepAliveTimeout: 0,
}

export function nodeRequests(bytes: Buffer): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    const outcome: NodeOutcome = { messages: [], error: undefined }
    const said = new Said(bytes)
    const server = createServer(settings)
    server.maxHeadersCount = 0
    const note = (message: Message) => outcome.messages.push(message)
    const take = (message: IncomingMessage, answer?: () => void) =>
      gather(message, [message.method ?? '', message.url ?? ''], (taken) => {
        note(taken)
        answer?.()
      })
    server.on('request', (message, response) => take(message, () => response.end()))
    server.on('checkExpectation', (message, response) => take(message, () => response.end()))
    server.on('upgrade', (message: IncomingMessage) => {
      note(headOf(message))
      said.destroy()
    })
    server.on('connect', (message: IncomingMessage) => {
      note(headOf(message))
      said.destroy()
    })
    server.on('clientError', (error: NodeJS.ErrnoException) => {
      // What stands behind a message with `Connection: close` is not a fault of that message.
      if (error.code !== 'HPE_CLOSED_CONNECTION') outcome.error ??= `${error.code}: ${error.message}`
      // What was read before the fault is still on its way through streams.
      setImmediate(() => setImmediate(() => said.destroy()))
    })
    said.on('close', () => resolve(outcome))
    server.emit('connection', said)
  })
}

function headOf(message: IncomingMessage): Message {
  const { httpVersion: version, rawHeaders: fields } = message
  return { start: [message.method ?? '', message.url ?? ''], version, fields, body: '', trailers: [] }
}

/** The final response to one request; interim ones are not looked at. */
export function nodeResponse(bytes: Buffer, method: string): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    const outcome: NodeOutcome = { messages: [], error: undefined }
    const said = new Said(bytes)
    const sent = request({
      method,
      path: '/',
      host: 'a',
      maxHeaderSize: 1 << 20,
      createConnection: () => said as never,
    })
    sent.maxHeadersCount = 0
    sent.on('response', (message) =>
      gather(message, [message.statusCode ?? 0, message.statusMessage ?? ''], (taken) => outcome.messages.push(taken)),
    )
    sent.on('upgrade', (message) => {
      outcome.messages.push({ ...headOf(message), start: [message.statusCode ?? 0, message.statusMessage ?? ''] })
      said.destroy()
    })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      outcome.error ??= `${error.code}: ${error.message}`
    })
    sent.on('close', () => resolve(outcome))
    sent.end()
  })
}
