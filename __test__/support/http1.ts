// Reads whole streams of HTTP/1 with the codec, however they are cut, and makes chance repeatable.

import { requestKeepAlive } from '../../src/layers/http/connection.js'
import type { Framing } from '../../src/layers/http/ends.js'
import { HttpError } from '../../src/layers/http/error.js'
import { BodyReader } from '../../src/layers/http/h1/body.js'
import { requestFraming, responseFraming } from '../../src/layers/http/h1/framing.js'
import {
  findHeadEnd,
  HEAD_OVERLAP,
  limitHead,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
  skipEmptyLines,
} from '../../src/layers/http/h1/head.js'

export interface Message {
  /** Method and target, or status and reason. */
  start: [string | number, string]
  version: string
  /** Names and values, flat. */
  fields: string[]
  /** latin1. */
  body: string
  trailers: string[]
}

export interface Outcome {
  messages: Message[]
  /** Why the stream ended early; undefined where it did not. */
  error: { status: number; message: string } | undefined
  /** Bytes after the last message that were not looked at. */
  rest: number
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A stream of requests: it ends at the end of the pieces, or after a request that does not persist. */
export function readRequests(pieces: Buffer[]): Outcome {
  return new StreamReader(undefined).run(pieces)
}

/** The responses to one request: 1xx, and the final one. */
export function readResponses(pieces: Buffer[], requestMethod = 'GET'): Outcome {
  return new StreamReader(requestMethod).run(pieces)
}

class StreamReader {
  /** Undefined: requests are read. */
  readonly #requestMethod: string | undefined
  readonly #outcome: Outcome = { messages: [], error: undefined, rest: 0 }
  #held: Buffer = Buffer.alloc(0)
  #searched = 0
  #body: BodyReader | undefined
  #message: Message | undefined
  #last = false
  readonly #append = (piece: Buffer): void => {
    if (piece.length === 0) throw new Error('an empty piece was emitted')
    if (this.#message) this.#message.body += piece.toString('latin1')
  }

  constructor(requestMethod: string | undefined) {
    this.#requestMethod = requestMethod
  }

  run(pieces: Buffer[]): Outcome {
    try {
      for (const piece of pieces) {
        this.#held = Buffer.concat([this.#held, piece])
        while (this.#step());
      }
      this.#end()
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      this.#outcome.error = { status: error.status, message: error.message }
    }
    this.#outcome.rest = this.#held.length
    return this.#outcome
  }

  #end(): void {
    if (this.#message) {
      this.#body?.end()
      this.#finish()
    } else if (!this.#last && this.#held.length > 0) {
      throw new HttpError(400, 'the head was cut short')
    }
  }

  /** False when more bytes are needed. */
  #step(): boolean {
    if (this.#message && this.#body) {
      this.#take(this.#body.read(this.#held, 0, this.#append))
      if (!this.#body.done) return false
      this.#finish()
      return true
    }
    if (this.#last) return false
    const isRequest = this.#requestMethod === undefined
    if (isRequest) this.#take(skipEmptyLines(this.#held, 0))
    const from = Math.max(0, this.#searched - HEAD_OVERLAP)
    let end = findHeadEnd(this.#held, from)
    this.#searched = this.#held.length
    if (end === -1) {
      limitHead(this.#held, 0, this.#held.length, isRequest ? 'request' : 'response')
      return false
    }
    if (isRequest) this.#request(parseRequestHead(this.#held, 0, end))
    else end = this.#response(parseResponseHead(this.#held, 0, end), this.#requestMethod as string) ?? end
    this.#take(end)
    return true
  }

  #request(head: RequestHead): void {
    this.#open([head.method, head.target], head, requestFraming(head), 'request')
    this.#last = head.method === 'CONNECT' || !requestKeepAlive(head)
  }

  /** Where it has ended, if that is before what `findHeadEnd` saw. */
  #response(head: ResponseHead, requestMethod: string): number | undefined {
    this.#open([head.status, head.reason], head, responseFraming(head, requestMethod), 'response')
    this.#last = head.status === 101 || head.status >= 200
    return head.end
  }

  #open(
    start: Message['start'],
    head: RequestHead | ResponseHead,
    framing: Framing,
    side: 'request' | 'response',
  ): void {
    this.#message = { start, version: head.version, fields: head.headers.raw, body: '', trailers: [] }
    this.#body = new BodyReader(framing, side, side === 'response' ? {} : undefined)
    if (this.#last) throw new Error('a message after the last one')
  }

  #finish(): void {
    const message = this.#message as Message
    message.trailers = this.#body?.trailers?.raw ?? []
    this.#outcome.messages.push(message)
    this.#message = undefined
    this.#body = undefined
  }

  #take(length: number): void {
    if (length === 0) return
    this.#held = this.#held.subarray(length)
    this.#searched = 0
  }
}

/** Chance that is the same in every run (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 up to, not including, `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  /** Cuts a buffer into pieces at random places. */
  cut(whole: Buffer): Buffer[] {
    const pieces: Buffer[] = []
    let at = 0
    while (at < whole.length) {
      const end = Math.min(whole.length, at + 1 + this.below(this.chance(4) ? 3 : 60))
      pieces.push(whole.subarray(at, end))
      at = end
    }
    return pieces
  }
}
