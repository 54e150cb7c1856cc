// Estimates the memory that a flow takes: it bounds the flows that wait for a slow reader.
import type { DnsMessage } from './dns-message.js'
import type { HttpHeaders } from './headers.js'

/** Bytes of a flow with nothing recorded in it: its objects, connections and times. */
export const FLOW_SIZE = 1024
/** Bytes of a message of a raw flow, without its content. */
export const MESSAGE_SIZE = 64
/** Bytes of a string, without its characters, each of which is a byte. */
const STRING_SIZE = 16
/** Bytes of a DNS question or record, without its name and data. */
const RECORD_SIZE = 64

export function headersSize(headers: HttpHeaders | undefined): number {
  if (!headers) return 0
  let size = 0
  for (const text of headers.raw) size += STRING_SIZE + text.length
  return size
}

export function dnsSize(message: DnsMessage | undefined): number {
  if (!message) return 0
  const { raw, questions, answers, authorities, additionals } = message
  let size = raw?.length ?? 0
  for (const { name } of questions) size += RECORD_SIZE + name.length
  for (const records of [answers, authorities, additionals]) {
    for (const { name, data } of records) size += RECORD_SIZE + name.length + data.length
  }
  return size
}
