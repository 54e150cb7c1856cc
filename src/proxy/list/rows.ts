// The rows of all flows, in columns of numbers and texts: about 170 bytes a flow, shared by all lists.
import type { AnyFlow } from '../../flow/index.js'
import { idHash, idHead, sizeOf } from '../../store/facts.js'
import { Pool } from './pool.js'
import { contentTypeOf, type FlowRow, hostOf, methodOf, notesOf, pathOf, portOf, serverOf, typesOf } from './row.js'
import { RowIds } from './row-ids.js'

const FIRST_ROOM = 1024

/** Bits of a row. */
const PRESENT = 1
const LIVE = 2
const INTERCEPTED = 4
const REPLAYED = 8
const WEBSOCKET = 16
const TLS = 32
const OTHER_HOST = 64
/** The type's number is in the bits above. */
const TYPE_SHIFT = 7
const TYPES = ['http', 'tcp', 'udp', 'dns'] as const

type Notes = NonNullable<ReturnType<typeof notesOf>>

const NO_NOTES: Notes = { error: '', marked: '', comment: '' }

/** Columns of numbers, one behind the other, that grow and are cut together. */
function columns(room: number) {
  return {
    ...{ createdAt: new Float64Array(room), duration: new Float64Array(room), size: new Float64Array(room) },
    ...{ port: new Uint16Array(room), status: new Uint16Array(room), flags: new Uint16Array(room) },
    ...{ method: new Uint32Array(room), host: new Uint32Array(room), contentType: new Uint32Array(room) },
    ...{ client: new Uint32Array(room), mode: new Uint32Array(room) },
    ...{ clientPort: new Uint16Array(room), clientAddress: new Uint32Array(room), server: new Uint32Array(room) },
    ...{ requestTypes: new Uint32Array(room), responseTypes: new Uint32Array(room) },
  }
}
type Columns = ReturnType<typeof columns>

export class Rows {
  /** How many rows there are. */
  count = 0
  /** The lowest number that may be in use, and the one that comes next. */
  first = 1
  next = 1
  /** All rows before it are gone. */
  #lowest = 1
  #columns = columns(FIRST_ROOM)
  #paths: string[] = []
  /** What few rows have. */
  readonly #notes = new Map<number, Notes>()
  readonly #ids = new RowIds()
  readonly #pool = new Pool()

  /** The number of the row with this id; 0 for none. */
  find(id: string): number {
    return this.#ids.find(id)
  }

  /** The number of the row whose id has this head and hash (`Facts`); 0 for none. */
  at(idHead: number, idHash: number): number {
    return this.#ids.at(idHead, idHash)
  }

  id(number: number): string {
    return this.#ids.get(number)
  }

  has(number: number): boolean {
    return number >= this.first && (this.#flags(number) & PRESENT) !== 0
  }

  /** Leaves so many numbers free for rows that are entered later, and gives the first of them. */
  reserve(count: number): number {
    const first = this.next
    this.next += count
    if (count > 1) this.#ids.expect(count)
    return first
  }

  /** Enters a flow, or what has changed in it; a new one gets this number, or the next. Gives the number. */
  set(flow: AnyFlow, reserved?: number): number {
    const { id, client, createdAt, endedAt } = flow
    const head = idHead(id)
    const hash = idHash(id)
    let number = this.#ids.at(head, hash)
    if (number === 0) {
      number = reserved ?? this.reserve(1)
      this.#makeRoom(number)
      this.#ids.set(number, id, head, hash)
      this.count += 1
    }
    const at = number - this.first
    const of = this.#columns
    const pool = this.#pool
    of.createdAt[at] = createdAt
    of.duration[at] = endedAt === undefined ? -1 : endedAt - createdAt
    of.size[at] = sizeOf(flow)
    of.port[at] = portOf(flow)
    of.status[at] = flow.type === 'http' ? (flow.response?.status ?? 0) : 0
    of.flags[at] = flagsOf(flow)
    of.method[at] = pool.put(methodOf(flow))
    of.host[at] = pool.put(hostOf(flow))
    of.contentType[at] = pool.put(contentTypeOf(flow))
    of.client[at] = pool.put(client.peer?.name ?? client.remote.address)
    of.mode[at] = pool.put(client.mode)
    of.clientPort[at] = client.remote.port
    of.clientAddress[at] = pool.put(client.remote.address)
    of.server[at] = pool.put(serverOf(flow))
    of.requestTypes[at] = flow.type === 'http' ? pool.put(typesOf(flow.request.headers)) : 0
    of.responseTypes[at] = flow.type === 'http' ? pool.put(typesOf(flow.response?.headers)) : 0
    this.#paths[at] = pathOf(flow)
    const notes = notesOf(flow)
    if (notes) this.#notes.set(number, notes)
    else if (this.#notes.size > 0) this.#notes.delete(number)
    return number
  }

  /** The bytes that the row with a number that is there says. */
  size(number: number): number {
    return this.#columns.size[number - this.first] ?? 0
  }

  /** The row with a number that is there. */
  get(number: number): FlowRow {
    const at = number - this.first
    const of = this.#columns
    const flags = this.#flags(number)
    const type = this.typeOf(number)
    return {
      number,
      id: this.#ids.get(number),
      type,
      websocket: this.isWebSocket(number),
      method: this.text('method', number),
      scheme: type !== 'http' ? type : this.isTls(number) ? 'https' : 'http',
      host: this.text('host', number),
      port: this.port(number),
      path: this.path(number),
      status: this.status(number),
      contentType: this.text('contentType', number),
      size: of.size[at] ?? 0,
      createdAt: of.createdAt[at] ?? 0,
      duration: of.duration[at] ?? 0,
      live: (flags & LIVE) !== 0,
      intercepted: (flags & INTERCEPTED) !== 0,
      replayed: this.isReplayed(number),
      ...(this.notes(number) ?? NO_NOTES),
      client: this.text('client', number),
      mode: this.text('mode', number),
    }
  }

  remove(number: number): void {
    if (!this.has(number)) return
    this.#ids.remove(number)
    this.#columns.flags[number - this.first] = 0
    this.#paths[number - this.first] = ''
    this.#notes.delete(number)
    this.count -= 1
  }

  /** Lets go of the memory of rows that are gone, where the oldest half is; gives the lowest number that may be in use then. */
  compact(): number {
    while (this.#lowest < this.next && !this.has(this.#lowest)) this.#lowest += 1
    const gone = this.#lowest - this.first
    const used = this.next - this.first
    if (gone < FIRST_ROOM || gone * 2 < used) return this.first
    this.first += gone
    this.#resize(Math.max(FIRST_ROOM, used - gone), gone)
    this.#paths = this.#paths.slice(gone)
    this.#ids.cut(this.first)
    this.#pool.keep(TEXTS.map((name) => this.#columns[name]))
    return this.first
  }

  /** How two rows stand to each other in a column: below 0 where the first comes first. */
  order(sort: RowSort): (one: number, other: number) => number {
    return ORDERS[sort](this)
  }

  /** @internal */
  compareNumbers(column: NumberColumn, one: number, other: number): number {
    const values = this.#columns[column]
    return (values[one - this.first] ?? 0) - (values[other - this.first] ?? 0)
  }

  /** @internal */
  compareTexts(column: TextColumn, one: number, other: number): number {
    const values = this.#columns[column]
    const [first = 0, second = 0] = [values[one - this.first], values[other - this.first]]
    return first === second ? 0 : compare(this.#pool.get(first), this.#pool.get(second))
  }

  text(column: TextColumn, number: number): string {
    return this.#pool.get(this.#columns[column][number - this.first] ?? 0)
  }

  path(number: number): string {
    return this.#paths[number - this.first] ?? ''
  }

  port(number: number): number {
    return this.#columns.port[number - this.first] ?? 0
  }

  clientPort(number: number): number {
    return this.#columns.clientPort[number - this.first] ?? 0
  }

  status(number: number): number {
    return this.#columns.status[number - this.first] ?? 0
  }

  typeOf(number: number): (typeof TYPES)[number] {
    return TYPES[this.#flags(number) >> TYPE_SHIFT] ?? 'http'
  }

  isTls(number: number): boolean {
    return (this.#flags(number) & TLS) !== 0
  }

  isWebSocket(number: number): boolean {
    return (this.#flags(number) & WEBSOCKET) !== 0
  }

  isReplayed(number: number): boolean {
    return (this.#flags(number) & REPLAYED) !== 0
  }

  /** The client named another host than the one that it is led to. */
  hasOtherHost(number: number): boolean {
    return (this.#flags(number) & OTHER_HOST) !== 0
  }

  /** Undefined where the flow has nothing of them. */
  notes(number: number): Notes | undefined {
    return this.#notes.get(number)
  }

  #flags(number: number): number {
    return this.#columns.flags[number - this.first] ?? 0
  }

  #makeRoom(number: number): void {
    const room = this.#columns.flags.length
    if (number - this.first >= room) this.#resize(Math.max(room * 2, number - this.first + 1), 0)
    // An array without holes is read faster.
    while (this.#paths.length < number - this.first) this.#paths.push('')
  }

  /** Columns with another room, that begin behind so many of their rows. */
  #resize(room: number, from: number): void {
    const before = this.#columns
    const after = columns(room)
    for (const name of Object.keys(after) as (keyof Columns)[])
      after[name].set(before[name].subarray(from, from + room))
    this.#columns = after
  }
}

function flagsOf(flow: AnyFlow): number {
  let flags = PRESENT | (TYPES.indexOf(flow.type) << TYPE_SHIFT)
  if (flow.live) flags |= LIVE
  if (flow.intercepted) flags |= INTERCEPTED
  if (flow.replayed !== undefined) flags |= REPLAYED
  if (flow.type === 'http' && flow.upgrade === 'websocket') flags |= WEBSOCKET
  if (flow.type === 'http' && flow.request.scheme === 'https') flags |= TLS
  if (flow.type === 'http' && flow.request.host !== flow.request.prettyHost) flags |= OTHER_HOST
  return flags
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

type NumberColumn = 'createdAt' | 'duration' | 'size' | 'status' | 'port'
/** The columns of texts. */
const TEXTS = [
  ...(['method', 'host', 'contentType', 'client', 'mode'] as const),
  ...(['clientAddress', 'server', 'requestTypes', 'responseTypes'] as const),
]
type TextColumn = (typeof TEXTS)[number]

type Order = (rows: Rows) => (one: number, other: number) => number

const byNumber = (column: NumberColumn): Order => {
  return (rows) => (one, other) => rows.compareNumbers(column, one, other)
}
const byText = (column: TextColumn): Order => {
  return (rows) => (one, other) => rows.compareTexts(column, one, other)
}

const byPath: Order = (rows) => (one, other) => compare(rows.path(one), rows.path(other))

/** The columns by which `proxy.list()` sorts. */
export type RowSort =
  | ('number' | 'time' | 'type' | 'method' | 'host' | 'path' | 'url' | 'status' | 'contentType' | 'size')
  | ('duration' | 'client' | 'marked')

/** Rows that are equal in a column stand in the order of their numbers. */
const ORDERS: Readonly<Record<RowSort, Order>> = {
  number: () => (one, other) => one - other,
  time: byNumber('createdAt'),
  type: (rows) => (one, other) => compare(rows.typeOf(one), rows.typeOf(other)),
  method: byText('method'),
  host: byText('host'),
  path: byPath,
  url: (rows) => {
    const path = byPath(rows)
    return (one, other) =>
      rows.compareTexts('host', one, other) || rows.compareNumbers('port', one, other) || path(one, other)
  },
  status: byNumber('status'),
  contentType: byText('contentType'),
  size: byNumber('size'),
  duration: byNumber('duration'),
  client: byText('client'),
  marked: (rows) => (one, other) => compare(rows.notes(one)?.marked ?? '', rows.notes(other)?.marked ?? ''),
}

/** All of them. */
export const ROW_SORTS = Object.keys(ORDERS) as readonly RowSort[]
