// What the index knows of a recorded flow without its record: what flows are sorted and found by.
import type { AnyFlow } from '../flow/index.js'

/** The orders in which recorded flows can be read. */
export type FlowSort = 'time' | 'method' | 'url' | 'status' | 'size' | 'duration'

export interface Facts {
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Bytes of both bodies, or of all messages, recorded or not. */
  readonly size: number
  /** Milliseconds. */
  readonly duration: number
  /** The first eight digits of a UUID, so that a flow is found by its short id; of another id a hash. */
  readonly idHead: number
  /** A hash of the whole id. */
  readonly idHash: number
  /** 0 without a response. */
  readonly status: number
  /** The first six letters of the method. */
  readonly method: number
  /** Of the flags below. */
  readonly flags: number
}

/** This record replaces an older one of the same flow. */
export const REPLACES = 1
/** A newer record of the same flow is there. */
export const REPLACED = 2

/** There is no record any more, but for this: the flow was forgotten. */
export const REMOVED = 4

/** The letters of a method that sort flows: as many as fit into a number. */
const METHOD_LETTERS = 6

export function factsOf(flow: AnyFlow, replaces: boolean): Facts {
  const { id, createdAt } = flow
  const response = flow.type === 'http' ? flow.response : undefined
  const digits = digitsAt(id, 0)
  return {
    createdAt,
    size: sizeOf(flow),
    duration: (flow.endedAt ?? createdAt) - createdAt,
    idHead: headOf(id, digits),
    idHash: hashOf(id, digits),
    status: response?.status ?? 0,
    method: flow.type === 'http' ? methodKey(flow.request.method) : 0,
    flags: replaces ? REPLACES : 0,
  }
}

/** Bytes of both bodies, or of all messages, recorded or not. */
export function sizeOf(flow: AnyFlow): number {
  if (flow.type === 'http') return flow.request.body.length + (flow.response?.body.length ?? 0)
  if (flow.type === 'dns') return (flow.request.raw?.length ?? 0) + (flow.response?.raw?.length ?? 0)
  return flow.bytesFromClient + flow.bytesFromServer
}

function methodKey(method: string): number {
  let key = 0
  for (let at = 0; at < METHOD_LETTERS; at++) key = key * 256 + (at < method.length ? method.charCodeAt(at) & 0xff : 0)
  return key
}

/** The text that flows are sorted by as URLs. */
export function urlOf(flow: AnyFlow): string {
  if (flow.type === 'http') return flow.request.url
  return `${flow.server?.host ?? flow.client.local.address}:${flow.server?.port ?? flow.client.local.port}`
}

/** The length of a UUID as text, and of the digits at both of its ends. */
const UUID_LENGTH = 36
const UUID_END = 8

export const idHead = (id: string): number => headOf(id, digitsAt(id, 0))

/** Whether a text is a whole id, and not the beginning of a UUID. */
export const isWholeId = (id: string): boolean => id.length === UUID_LENGTH || digitsAt(id, 0) === NO_DIGITS

export const idHash = (id: string): number => hashOf(id, digitsAt(id, 0))

/** `first`: the number of the first eight digits. */
const headOf = (id: string, first: number): number => (first === NO_DIGITS ? hash(id, 0x811c9dc5) : first)

/** The last eight digits of a UUID are as good as a hash, and cost less; they are 32 random bits. */
function hashOf(id: string, first: number): number {
  const isUuid = id.length === UUID_LENGTH && first !== NO_DIGITS && id[UUID_END] === '-'
  const last = isUuid ? digitsAt(id, UUID_LENGTH - UUID_END) : NO_DIGITS
  return last === NO_DIGITS ? hash(id, 0x9747b28c) : last
}

const NO_DIGITS = -1

/** The number that eight hexadecimal digits at a place of a text are. */
function digitsAt(text: string, start: number): number {
  if (text.length < start + UUID_END) return NO_DIGITS
  let number = 0
  for (let at = start; at < start + UUID_END; at++) {
    const code = text.charCodeAt(at)
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : NO_DIGITS
    if (digit === NO_DIGITS) return NO_DIGITS
    number = number * 16 + digit
  }
  return number
}

/** FNV-1a, from a start of one's own. */
function hash(text: string, start: number): number {
  let value = start
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
