// A row: what a table shows of a flow, and the orders of rows.
import * as v from 'valibot'
import { count, Milliseconds } from './common.js'

export const Type = v.picklist(['http', 'tcp', 'udp', 'dns'])

/** The fields are those of `FlowRow`. Texts that a peer has sent are cut. */
export const Row = v.object({
  /** From 1 on, in the order in which flows have come. It stays as long as the proxy runs. */
  number: count(1),
  id: v.string(),
  type: Type,
  websocket: v.boolean(),
  method: v.string(),
  scheme: v.string(),
  host: v.string(),
  port: count(),
  path: v.string(),
  /** 0 without a response. */
  status: count(),
  contentType: v.string(),
  /** Bytes of both bodies, or of all messages. */
  size: count(),
  createdAt: Milliseconds,
  /** -1 while the flow runs. */
  duration: v.number(),
  live: v.boolean(),
  intercepted: v.boolean(),
  replayed: v.boolean(),
  error: v.string(),
  marked: v.string(),
  comment: v.string(),
  client: v.string(),
  mode: v.string(),
})

export type Row = v.InferOutput<typeof Row>

export const Sort = v.picklist([
  'number',
  'time',
  'type',
  'method',
  'host',
  'path',
  'url',
  'status',
  'contentType',
  'size',
  'duration',
  'client',
  'marked',
])

export type Sort = v.InferOutput<typeof Sort>
