// A tool of the MCP server: its name, what it is for, the schema of its arguments, and what it does with the remote API.
import type { GenericSchema, InferOutput } from 'valibot'
import type { MidwireApi } from '../client/client.js'

export interface Tool {
  readonly name: string
  readonly title: string
  /** For the model that chooses among tools. */
  readonly description: string
  /** An object schema. */
  readonly input: GenericSchema
  /** It changes midwire, or what passes through it: there only with `--allow-changes`. */
  readonly changes: boolean
  /** What it found, as JSON. A rejection is told to the model as an error of the tool. */
  perform(api: MidwireApi, input: never, signal: AbortSignal): Promise<unknown>
}

/** A tool whose function gets what its schema has checked. */
export const tool = <S extends GenericSchema>(one: {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: S
  readonly changes: boolean
  perform(api: MidwireApi, input: InferOutput<S>, signal: AbortSignal): Promise<unknown>
}): Tool => one
