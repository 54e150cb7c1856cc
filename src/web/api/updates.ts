// The messages of the one WebSocket, `/api/updates`, of both ways: a client says what it follows, the server what has changed.
import * as v from 'valibot'
import { count, Filter, Id, MAX_ROWS } from './schemas/common.js'
import { Flow, Message } from './schemas/flow.js'
import { LogLine, Modes, Option, Peer, Usage } from './schemas/proxy.js'
import { Row, Sort } from './schemas/row.js'

/** The topics that a client follows besides flows. `peers` and `usage` come every second while they change, `waiting` as soon as it does. */
export const Topic = v.picklist(['log', 'options', 'modes', 'peers', 'usage', 'waiting'])

export type Topic = v.InferOutput<typeof Topic>

/**
 * One message may stand in the address already, as `first`: it is said before the client knows that it is connected.
 * A client follows one list and one flow at a time. `list` begins a list or changes it: a new filter or order is answered by `rows` with the same `list`;
 * what still comes for another number is old. `window` moves the window of it. Where `end` is true, the window is the last `limit` rows whatever `offset`
 * says, also when more have come. Default: false. Where the list has the flow `around`, or gets it, the window is moved once to have it in its middle.
 */
export const ClientMessage = v.variant('type', [
  v.object({
    type: v.literal('list'),
    /** A number of the client's own, which the rows of this list come with. */
    list: count(),
    filter: v.optional(Filter),
    /** Rows that match it are named in `highlighted`. */
    highlight: v.optional(Filter),
    sort: v.optional(Sort),
    reverse: v.optional(v.boolean()),
    offset: count(),
    limit: count(0, MAX_ROWS),
    end: v.optional(v.boolean()),
    around: v.optional(Id),
  }),
  v.object({
    type: v.literal('window'),
    list: count(),
    offset: count(),
    limit: count(0, MAX_ROWS),
    end: v.optional(v.boolean()),
    around: v.optional(Id),
  }),
  /** No list is followed any more. */
  v.object({ type: v.literal('unlist') }),
  /** The flow that is open, or null for none. */
  v.object({ type: v.literal('open'), id: v.nullable(Id) }),
  v.object({ type: v.literal('topics'), topics: v.array(Topic) }),
])

export type ClientMessage = v.InferOutput<typeof ClientMessage>

/**
 * At most 20 messages `rows` and 20 messages `flow` a second come, 10 while all rows of the window are others each time. A client that takes them slower gets fewer of them, each of which says how things
 * stand then: `rows` has the whole order of the window each time, and only those rows that are new to the client or have changed.
 */
export const ServerMessage = v.variant('type', [
  v.object({ type: v.literal('hello'), version: v.string() }),
  v.object({
    type: v.literal('rows'),
    list: count(),
    offset: count(),
    /** The flows that match, of those that were looked at; and how far that has come: `scanned` of `of`. */
    total: count(),
    scanned: count(),
    of: count(),
    /** Numbers of the rows of the window, in their order. */
    order: v.array(count(1)),
    /** Numbers of those that match `highlight`. */
    highlighted: v.array(count(1)),
    /** True: forget the rows that came before; `rows` are all of `order`. */
    fresh: v.boolean(),
    rows: v.array(Row),
  }),
  /** A filter is wrong: the list goes on as it was. */
  v.object({
    type: v.literal('refused'),
    list: count(),
    which: v.picklist(['filter', 'highlight']),
    message: v.string(),
    at: v.optional(count()),
  }),
  /** The flow that is open, as it is now; undefined where it is gone. `messages` are those behind the ones that came before. */
  v.object({
    type: v.literal('flow'),
    id: v.string(),
    flow: v.optional(Flow),
    messages: v.array(Message),
    totalMessages: count(),
  }),
  /** `dropped`: lines that were not sent, because the client did not take them. */
  v.object({ type: v.literal('log'), lines: v.array(LogLine), dropped: count() }),
  /** Those that have changed. */
  v.object({ type: v.literal('options'), options: v.array(Option) }),
  v.object({ type: v.literal('modes'), ...Modes.entries }),
  v.object({ type: v.literal('peers'), peers: v.array(Peer) }),
  v.object({ type: v.literal('usage'), usage: Usage }),
  /** The flows that wait to be let go, those that have waited longest first: of `total` at most 100. */
  v.object({ type: v.literal('waiting'), ids: v.array(v.string()), total: count() }),
  /** A message of the client was wrong. */
  v.object({ type: v.literal('error'), message: v.string() }),
])

export type ServerMessage = v.InferOutput<typeof ServerMessage>
