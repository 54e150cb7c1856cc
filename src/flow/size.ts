// What a flow takes of memory, about: those that wait for a reader are bounded by it.
import type { DnsMessage } from './dns-message.js'
import type { HttpHeaders } from './headers.js'

/** A flow without anything in it: its objects, connections and times. */
export const FLOW_SIZE = 1024
/** A message of a raw flow beside its content. */
export const MESSAGE_SIZE = 64
/** A string beside its characters, each of which is a byte. */
const STRING_SIZE = 16
/** A question or record of DNS beside its name and data. */
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
