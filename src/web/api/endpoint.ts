// An endpoint of the remote API: its method, path and summary, the schemas that check what comes, and that of what is answered.
import type { GenericSchema, InferInput, InferOutput } from 'valibot'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Content that is no JSON. `download`: bytes of which nothing may run in a browser. */
export interface Bytes {
  readonly kind: 'bytes'
  /** The media types that are possible. */
  readonly types: readonly string[]
  /** One line for people. */
  readonly description: string
}

export const bytes = (description: string, ...types: string[]): Bytes => ({ kind: 'bytes', types, description })

export interface Endpoint {
  readonly method: Method
  /** Below `/api`; parameters have a colon: `/flows/:id`. */
  readonly path: string
  /** One line for people. */
  readonly summary: string
  /** More about it, where a line is not enough. */
  readonly description?: string
  /** An object schema: the parameters of the path. */
  readonly params?: GenericSchema
  /** An object schema: the parameters of the query. Numbers and booleans are read from their texts. */
  readonly query?: GenericSchema
  /** JSON of a schema, or any bytes. */
  readonly body?: GenericSchema | Bytes
  /** JSON of a schema, bytes, or nothing (204). */
  readonly response?: GenericSchema | Bytes
}

export type EndpointTable = { readonly [name: string]: Endpoint }

/** A table that keeps the types of its schemas. */
export const table = <const T extends EndpointTable>(endpoints: T): T => endpoints

export const isBytes = (content: GenericSchema | Bytes | undefined): content is Bytes => content?.kind === 'bytes'

type Part<S> = S extends GenericSchema ? InferInput<S> : unknown
type Read<S> = S extends GenericSchema ? InferOutput<S> : unknown

/** What a caller gives in the path and the query. */
export type GivenOf<E extends Endpoint> = Part<E['params']> & Part<E['query']>

/** What a handler gets of the path and the query. */
export type InputOf<E extends Endpoint> = Read<E['params']> & Read<E['query']>

/** What a caller gives as the body. */
export type GivenBodyOf<E extends Endpoint> = E['body'] extends GenericSchema
  ? InferInput<E['body']>
  : Uint8Array | string

/** What a handler gets as the body: JSON that was checked. */
export type BodyOf<E extends Endpoint> = E['body'] extends GenericSchema ? InferOutput<E['body']> : undefined

/** What is answered where that is JSON; undefined where it is nothing. */
export type AnswerOf<E extends Endpoint> = E['response'] extends GenericSchema
  ? InferOutput<E['response']>
  : E['response'] extends Bytes
    ? Bytes
    : undefined
