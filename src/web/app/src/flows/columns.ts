// The columns of the table of flows: what each shows, by what it sorts, and which are shown how wide in which order.
import type { Sort } from '../../../api/schemas/row.js'
import type { Row } from '../shell/api.js'
import { dateTime, duration, size, time } from '../shell/format.js'
import { remembered } from '../shell/remembered.js'

export type { Sort }

export interface Column {
  readonly name: string
  readonly title: string
  /** Pixels at first. */
  readonly width: number
  readonly sort?: Sort
  readonly number?: boolean
  readonly text: (row: Row) => string
}

const standardPort = ({ scheme, port }: Row) =>
  (scheme === 'https' && port === 443) || (scheme === 'http' && port === 80)

/** As a browser shows it; of flows that are no HTTP, where they go to. */
export const urlOf = (row: Row) =>
  row.type === 'dns' ? row.path : `${row.scheme}://${row.host}${standardPort(row) ? '' : `:${row.port}`}${row.path}`

export const COLUMNS: readonly Column[] = [
  { name: 'number', title: '#', width: 66, sort: 'number', number: true, text: ({ number }) => String(number) },
  { name: 'time', title: 'Time', width: 116, sort: 'time', text: ({ createdAt }) => time(createdAt) },
  {
    name: 'method',
    title: 'Method',
    width: 72,
    sort: 'method',
    text: ({ method, type }) => method || type.toUpperCase(),
  },
  {
    name: 'status',
    title: 'Status',
    width: 66,
    sort: 'status',
    number: true,
    text: ({ status, error, type, live }) =>
      status ? String(status) : error ? 'failed' : type === 'http' && live ? '…' : '',
  },
  { name: 'host', title: 'Host', width: 160, sort: 'host', text: ({ host }) => host },
  { name: 'path', title: 'Path', width: 320, sort: 'path', text: ({ path }) => path },
  {
    name: 'contentType',
    title: 'Type',
    width: 130,
    sort: 'contentType',
    text: (row) => (row.websocket ? 'WebSocket' : row.contentType),
  },
  { name: 'size', title: 'Size', width: 80, sort: 'size', number: true, text: (row) => size(row.size) },
  {
    name: 'duration',
    title: 'Duration',
    width: 84,
    sort: 'duration',
    number: true,
    text: (row) => (row.duration < 0 ? '…' : duration(row.duration)),
  },
  { name: 'client', title: 'Client', width: 120, sort: 'client', text: ({ client }) => client },
  { name: 'url', title: 'URL', width: 420, sort: 'url', text: urlOf },
  { name: 'scheme', title: 'Scheme', width: 70, text: ({ scheme }) => scheme },
  { name: 'port', title: 'Port', width: 60, number: true, text: ({ port }) => String(port) },
  { name: 'mode', title: 'Mode', width: 110, text: ({ mode }) => mode },
  { name: 'mark', title: 'Mark', width: 70, sort: 'marked', text: ({ marked }) => marked },
  { name: 'comment', title: 'Comment', width: 160, text: ({ comment }) => comment },
  { name: 'date', title: 'Date', width: 190, sort: 'time', text: ({ createdAt }) => dateTime(createdAt) },
]

interface Shown {
  readonly name: string
  readonly width: number
}

const usual = ['number', 'method', 'status', 'host', 'path', 'contentType', 'size', 'duration', 'time', 'client']
const byName = new Map(COLUMNS.map((column) => [column.name, column]))

export const USUAL: readonly Shown[] = usual.map((name) => ({ name, width: byName.get(name)?.width ?? 100 }))

const isShown = (value: unknown): value is Shown =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  byName.has(String(value.name)) &&
  'width' in value &&
  Number.isFinite(value.width)

/** The columns that are shown, from left to right. */
export const shown = remembered<readonly Shown[]>(
  'columns',
  USUAL,
  (value) => Array.isArray(value) && value.length > 0 && value.every(isShown),
)

export const columnOf = (name: string): Column => byName.get(name) as Column

const LEAST_WIDTH = 40

export function resize(name: string, width: number): void {
  shown.value = shown.value.map((one) =>
    one.name === name ? { name, width: Math.max(LEAST_WIDTH, Math.round(width)) } : one,
  )
}

/** Puts a column before another; behind all where that is undefined. */
export function move(name: string, before: string | undefined): void {
  const moved = shown.value.find((one) => one.name === name)
  if (!moved || name === before) return
  const rest = shown.value.filter((one) => one !== moved)
  const at = rest.findIndex((one) => one.name === before)
  shown.value = at < 0 ? [...rest, moved] : rest.toSpliced(at, 0, moved)
}

/** By so many places to the right; to the left below 0. */
export function shift(name: string, by: number): void {
  const at = shown.value.findIndex((one) => one.name === name)
  const to = at + by
  if (at < 0 || to < 0 || to >= shown.value.length) return
  const next = [...shown.value]
  const [moved] = next.splice(at, 1)
  if (moved) shown.value = next.toSpliced(to, 0, moved)
}

/** Shows or hides a column; the last one stays. */
export function toggle(name: string): void {
  const there = shown.value.some((one) => one.name === name)
  if (!there) shown.value = [...shown.value, { name, width: columnOf(name).width }]
  else if (shown.value.length > 1) shown.value = shown.value.filter((one) => one.name !== name)
}
