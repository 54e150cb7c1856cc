// What a handler of an endpoint gets, and what it gives: checked input, and an answer that is JSON, bytes or nothing.
import type { IncomingHttpHeaders } from 'node:http'
import type { Midwire } from '../../index.js'
import type { AnswerOf, BodyOf, Bytes, Endpoint, EndpointTable, InputOf } from '../api/endpoint.js'
import type { Rules } from '../handlers/rules.js'

/** What handlers share. */
export interface Surroundings {
  readonly proxy: Midwire
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly rules: Rules
  /** Clients that follow updates. */
  followers(): number
  /** The number of a flow's row; undefined where no list is open. */
  numberOf(id: string): number | undefined
}

export interface Call<E extends Endpoint> extends Surroundings {
  readonly input: InputOf<E>
  readonly body: BodyOf<E>
  /** The bytes of the request, for endpoints whose body is no JSON. */
  readonly bytes: AsyncIterable<Buffer>
  readonly headers: IncomingHttpHeaders
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
}

/** Bytes of an answer. */
export interface BytesAnswer {
  readonly type: string
  /** Pieces come one after the other, as fast as the client takes them. */
  readonly content: Buffer | string | AsyncIterable<Buffer>
  /** The name of the file, for a download. */
  readonly name?: string
  /** A peer may have made them. */
  readonly recorded?: boolean
}

export type Answer<E extends Endpoint> = AnswerOf<E> extends Bytes ? BytesAnswer : AnswerOf<E>

export type Handler<E extends Endpoint> = (call: Call<E>) => Answer<E> | Promise<Answer<E>>

export type Handlers<T extends EndpointTable> = { readonly [Name in keyof T]: Handler<T[Name]> }
