// Puts bodies through the functions and TransformStreams that addons have set as `stream` of a message, and reads those of a response's `source`.
import type { Flow } from '../flow/flow.js'
import type { BodySource, HttpFlow } from '../flow/http.js'
import type { BodyFunction, BodyTransform, HttpMessage } from '../flow/http-message.js'
import { describe, isThenable } from './dispatch.js'
import type { HookTime } from './hook-time.js'

const EMPTY = Buffer.alloc(0)

/** The transformations of one client connection. */
export class Transforms {
  readonly #log: (message: string) => void
  readonly #time: HookTime
  /** TransformStreams that have begun and not ended. */
  readonly #running = new Map<HttpMessage, RunningTransform>()
  /** Sources that have begun and not ended. */
  readonly #sources = new Map<HttpMessage, AsyncIterator<unknown> | Iterator<unknown>>()

  /** `log` is told of each failure; each piece has the time of a hook. */
  constructor(log: (message: string) => void, time: HookTime) {
    this.#log = log
    this.#time = time
  }

  /**
   * Puts a piece of a body through what its message has in `stream`; an empty piece is the end. The answer is the bytes to send on;
   * undefined where an addon's code has thrown, rejected, or not answered within `hook_timeout`: the flow then has the error. Never throws or
   * rejects, and gives a promise only where there is something to wait for.
   */
  run(flow: HttpFlow, side: 'request' | 'response', data: Buffer): Promise<Buffer | undefined> | Buffer | undefined {
    const message = flow[side]
    const stream = message?.stream
    if (!message || stream === undefined || typeof stream === 'boolean') return data
    const failed = (error: unknown) => this.#failed(flow, side, error)
    try {
      const result = typeof stream === 'function' ? call(stream, data) : this.#pass(message, stream, data)
      if (!(result instanceof Promise)) return result
      return this.#time.within(result, flow).catch(failed)
    } catch (error) {
      return failed(error)
    }
  }

  /**
   * The next piece of the `source` of a response; an empty one is its end. Undefined where it has thrown: the flow then has the error. It may
   * take its time: who waits can be interrupted.
   */
  async pull(flow: HttpFlow): Promise<Buffer | undefined> {
    const { response } = flow
    if (!response?.source) return EMPTY
    try {
      let iterator = this.#sources.get(response)
      if (!iterator) {
        iterator = iteratorOf(response.source)
        this.#sources.set(response, iterator)
      }
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) {
          this.#sources.delete(response)
          return EMPTY
        }
        const piece = bytesOf(value)
        if (piece.length > 0) return piece
      }
    } catch (error) {
      this.#sources.delete(response)
      return this.#fails(flow, 'flow.response.source', error)
    }
  }

  /** A flow is over. Where the source of its response is not, nobody wants the rest. */
  over(flow: Flow): void {
    if (this.#sources.size > 0) this.#leave((flow as Partial<HttpFlow>).response)
  }

  /** The connection is over: streams that have not ended are cancelled. */
  close(): void {
    for (const message of [...this.#sources.keys()]) this.#leave(message)
    for (const running of this.#running.values()) running.cancel('the connection is over')
    this.#running.clear()
  }

  #leave(response: HttpMessage | undefined): void {
    const iterator = response && this.#sources.get(response)
    if (!iterator) return
    this.#sources.delete(response)
    end(iterator)
  }

  #pass(message: HttpMessage, stream: BodyTransform, data: Buffer): Promise<Buffer> {
    let running = this.#running.get(message)
    if (!running) {
      running = new RunningTransform(stream)
      this.#running.set(message, running)
    }
    if (data.length > 0) return running.push(data)
    this.#running.delete(message)
    return running.end()
  }

  #failed(flow: HttpFlow, side: 'request' | 'response', error: unknown): undefined {
    const message = flow[side]
    const running = message && this.#running.get(message)
    if (running) {
      this.#running.delete(message)
      running.cancel(error)
    }
    return this.#fails(flow, `flow.${side}.stream`, error)
  }

  #fails(flow: HttpFlow, what: string, error: unknown): undefined {
    const { text, where } = describe(error)
    const sentence = `an addon has failed in ${what}: ${text}`
    this.#log(where ? `${sentence} (${where})` : sentence)
    if (flow.live) flow.error ??= { message: sentence, timestamp: Date.now() }
    return undefined
  }
}

function call(stream: BodyFunction, data: Buffer): Promise<Buffer> | Buffer {
  const result = stream(data)
  if (isThenable(result)) return Promise.resolve(result as PromiseLike<unknown>).then(bytesOf)
  return isAsyncIterable(result) ? all(result) : bytesOf(result)
}

function iteratorOf(source: BodySource): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

/** Ends an iterator. What it throws then concerns nobody. */
function end(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  Promise.resolve()
    .then(() => iterator.return?.())
    .catch(() => {})
}

/** The bytes of what a function has returned. Throws a TypeError for what is none. */
function bytesOf(value: unknown): Buffer {
  const one = bytesOfOne(value)
  if (one) return one
  if (!isIterable(value)) throw new TypeError(`bytes or a text were expected, not ${shown(value)}`)
  return Buffer.concat(
    Array.from(value, (part) => {
      const bytes = bytesOfOne(part)
      if (!bytes) throw new TypeError(`bytes or a text were expected, not ${shown(part)}`)
      return bytes
    }),
  )
}

function bytesOfOne(value: unknown): Buffer | undefined {
  if (value === undefined) return EMPTY
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return undefined
}

async function all(parts: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const part of parts) pieces.push(bytesOf(part))
  return Buffer.concat(pieces)
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function'
const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof (value as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator] === 'function'
const shown = (value: unknown) => (value === null ? 'null' : `a value of the type ${typeof value}`)

/** A TransformStream with the body that passes through it. */
class RunningTransform {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array | string>
  /** What has been read, and not been sent on. */
  #pieces: Buffer[] = []
  /** Reads to the end. It reads always: a stream whose output nobody takes would take no input. */
  readonly #whole: Promise<void>
  #over = false

  /** Throws a TypeError for a stream that is in use. */
  constructor({ readable, writable }: BodyTransform) {
    this.#writer = writable.getWriter()
    this.#reader = readable.getReader()
    this.#whole = this.#read()
    // A fault is reported to whom pushes or ends. It must not be one of nobody's before that.
    for (const promise of [this.#whole, this.#writer.closed, this.#reader.closed]) promise.catch(() => {})
  }

  async push(data: Buffer): Promise<Buffer> {
    if (!this.#over) {
      const written = this.#writer.write(data)
      written.catch(() => {})
      // A stream that ends by itself (`terminate`) takes no more, and that is no fault.
      await Promise.race([this.#whole, written])
      // What the stream gave for this piece is read within this turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return this.#take()
  }

  async end(): Promise<Buffer> {
    if (!this.#over) {
      this.#writer.close().catch(() => {})
      await this.#whole
    }
    return this.#take()
  }

  cancel(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {})
    this.#reader.cancel(reason).catch(() => {})
  }

  #take(): Buffer {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read()
      if (done) break
      this.#pieces.push(bytesOf(value))
    }
    this.#over = true
  }
}
