// DNS messages as bytes and as objects (RFC 1035, 4): exact for what was not changed, strict for what is read.
import { DNS_TYPE } from './dns-names.js'
import { DnsError, DnsReader, DnsWriter } from './dns-wire.js'

export { DnsError } from './dns-wire.js'

export interface DnsQuestion {
  /** `example.org`, `.` for the root; in the sender's case. Dots and backslashes of a label are escaped, octets as `\DDD`. */
  name: string
  /** A number of DNS_TYPE, or another. */
  type: number
  /** A number of DNS_CLASS, or another. */
  class: number
}

export interface DnsRecord extends DnsQuestion {
  /** Seconds; in an OPT record its flags. */
  ttl: number
  /** The RDATA. Names in it are never compressed, even where they were on the wire. */
  data: Buffer
}

export interface DnsMessage {
  id: number
  /** False for a query. */
  response: boolean
  /** A number of DNS_OPCODE, or another; 4 bits. */
  opcode: number
  authoritative: boolean
  truncated: boolean
  recursionDesired: boolean
  recursionAvailable: boolean
  /** The Z bit: false, unless the sender breaks the rules. */
  reserved: boolean
  authenticData: boolean
  checkingDisabled: boolean
  /** A number of DNS_RCODE, or another; 4 bits, the rest of an extended one is in the OPT record. */
  rcode: number
  questions: DnsQuestion[]
  answers: DnsRecord[]
  authorities: DnsRecord[]
  additionals: DnsRecord[]
  /** The message as it came. A message that nobody has changed is passed on with these very bytes. */
  raw: Buffer | undefined
}

export const DNS_HEADER = 12

/** The fewest octets of a question and of a record: a root name, and their numbers. */
const LEAST_QUESTION = 5
export const LEAST_RECORD = 11

/**
 * How the RDATA of types with names in it is laid out (RFC 3597, 4, says which may be compressed): a number is so many
 * octets, `n` a name, `s` a string; what follows is kept as it is.
 */
const LAYOUTS = new Map<number, readonly (number | 'n' | 's')[]>([
  ...(['NS', 'MD', 'MF', 'CNAME', 'MB', 'MG', 'MR', 'PTR', 'DNAME', 'NXT'] as const).map(
    (type) => [DNS_TYPE[type], ['n']] as const,
  ),
  [DNS_TYPE.SOA, ['n', 'n', 20]],
  [DNS_TYPE.MINFO, ['n', 'n']],
  [DNS_TYPE.RP, ['n', 'n']],
  [DNS_TYPE.MX, [2, 'n']],
  [DNS_TYPE.AFSDB, [2, 'n']],
  [DNS_TYPE.RT, [2, 'n']],
  [DNS_TYPE.KX, [2, 'n']],
  [DNS_TYPE.PX, [2, 'n', 'n']],
  [DNS_TYPE.SRV, [6, 'n']],
  [DNS_TYPE.NAPTR, [4, 's', 's', 's', 'n']],
  [DNS_TYPE.SIG, [18, 'n']],
  [DNS_TYPE.SVCB, [2, 'n']],
  [DNS_TYPE.HTTPS, [2, 'n']],
])

/** Types whose RDATA goes on after its layout. */
const OPEN_ENDED: ReadonlySet<number> = new Set([DNS_TYPE.NXT, DNS_TYPE.SIG, DNS_TYPE.SVCB, DNS_TYPE.HTTPS])

/** False where the counts of a message's first 12 octets promise more than `length` octets can hold. */
export function headerFits(header: Buffer, length: number): boolean {
  if (length < DNS_HEADER || header.length < DNS_HEADER) return false
  const records = header.readUInt16BE(6) + header.readUInt16BE(8) + header.readUInt16BE(10)
  return DNS_HEADER + LEAST_QUESTION * header.readUInt16BE(4) + LEAST_RECORD * records <= length
}

/** Reads a whole message, which refers to `bytes` from then on. Throws a DnsError that says what is wrong with the bytes. */
export function parseDns(bytes: Buffer): DnsMessage {
  if (bytes.length < DNS_HEADER) throw new DnsError(`${bytes.length} octets are no message: its head has ${DNS_HEADER}`)
  if (bytes.length > 0xffff) throw new DnsError(`the message has ${bytes.length} octets, more than 65535`)
  if (!headerFits(bytes, bytes.length)) throw new DnsError('the message is shorter than the counts in its head say')
  const reader = new DnsReader(bytes, DNS_HEADER)
  const flags = bytes.readUInt16BE(2)
  const message: DnsMessage = {
    id: bytes.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    reserved: (flags & 0x0040) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: flags & 15,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
    raw: bytes,
  }
  for (let left = bytes.readUInt16BE(4); left > 0; left -= 1) message.questions.push(readQuestion(reader))
  for (let left = bytes.readUInt16BE(6); left > 0; left -= 1) message.answers.push(readRecord(reader))
  for (let left = bytes.readUInt16BE(8); left > 0; left -= 1) message.authorities.push(readRecord(reader))
  for (let left = bytes.readUInt16BE(10); left > 0; left -= 1) message.additionals.push(readRecord(reader))
  if (reader.at < bytes.length) throw new DnsError(`${bytes.length - reader.at} octets follow the message`)
  return message
}

function readQuestion(reader: DnsReader): DnsQuestion {
  return { name: reader.name(), type: reader.u16(), class: reader.u16() }
}

function readRecord(reader: DnsReader): DnsRecord {
  const { name, type, class: value } = readQuestion(reader)
  const ttl = reader.u32()
  const length = reader.u16()
  const start = reader.at
  const plain = reader.take(length)
  const layout = LAYOUTS.get(type)
  // The records of an update may have no RDATA, whatever their type (RFC 2136, 2.4).
  const data = layout && length > 0 ? expand(new DnsReader(reader.bytes, start, start + length), type, layout) : plain
  return { name, type, class: value, ttl, data }
}

/** A record's RDATA with its names written out, so that no pointer leads out of it. */
function expand(reader: DnsReader, type: number, layout: readonly (number | 'n' | 's')[]): Buffer {
  const start = reader.at
  const parts: Buffer[] = []
  for (const field of layout) {
    if (field === 'n') parts.push(reader.nameBytes())
    else if (field === 's') parts.push(reader.bytes.subarray(reader.at, reader.at + 1), reader.string())
    else parts.push(reader.take(field))
  }
  if (OPEN_ENDED.has(type)) parts.push(reader.rest())
  else if (reader.at < reader.end) throw new DnsError(`the RDATA at ${start} is longer than its type allows`)
  return reader.compressed ? Buffer.concat(parts) : reader.bytes.subarray(start, reader.end)
}

/** Writes a message: `raw` where nothing was changed. Throws a DnsError for a message that cannot be written. */
export function writeDns(message: DnsMessage): Buffer {
  const { raw } = message
  return raw && unchanged(message, raw) ? raw : composeDns(message).bytes
}

/** Whether the message's fields are still those of `raw`. */
function unchanged(message: DnsMessage, raw: Buffer): boolean {
  const before = parseDns(raw)
  return (
    flagsOf(before) === flagsOf(message) &&
    before.id === message.id &&
    sameQuestions(before.questions, message.questions) &&
    sameRecords(before.answers, message.answers) &&
    sameRecords(before.authorities, message.authorities) &&
    sameRecords(before.additionals, message.additionals)
  )
}

const sameQuestion = (one: DnsQuestion, other: DnsQuestion | undefined) =>
  one.name === other?.name && one.type === other.type && one.class === other.class

function sameQuestions(some: readonly DnsQuestion[], others: readonly DnsQuestion[]): boolean {
  return some.length === others.length && some.every((one, index) => sameQuestion(one, others[index]))
}

function sameRecords(some: readonly DnsRecord[], others: readonly DnsRecord[]): boolean {
  if (some.length !== others.length) return false
  return some.every((one, index) => {
    const other = others[index]
    return other && sameQuestion(one, other) && one.ttl === other.ttl && one.data.equals(other.data)
  })
}

function flagsOf(message: DnsMessage): number {
  const { opcode, rcode } = message
  if (!(opcode >= 0 && opcode <= 15)) throw new DnsError(`the opcode is ${opcode}: not 0 to 15`)
  if (!(rcode >= 0 && rcode <= 15)) throw new DnsError(`the response code is ${rcode}: not 0 to 15`)
  return (
    (message.response ? 0x8000 : 0) |
    (opcode << 11) |
    (message.authoritative ? 0x0400 : 0) |
    (message.truncated ? 0x0200 : 0) |
    (message.recursionDesired ? 0x0100 : 0) |
    (message.recursionAvailable ? 0x0080 : 0) |
    (message.reserved ? 0x0040 : 0) |
    (message.authenticData ? 0x0020 : 0) |
    (message.checkingDisabled ? 0x0010 : 0) |
    rcode
  )
}

/** Writes a message anew, and tells where each of its records ends. */
export function composeDns(message: DnsMessage): { bytes: Buffer; ends: number[] } {
  const { questions, answers, authorities, additionals } = message
  const sections = [answers, authorities, additionals]
  // A name has at most two octets more than its text has characters.
  let room = DNS_HEADER
  for (const { name } of questions) room += name.length + 6
  for (const section of sections) for (const { name, data } of section) room += name.length + 12 + data.length
  const writer = new DnsWriter(room)
  writer.u16(message.id, 'the id')
  writer.u16(flagsOf(message), 'the flags')
  writer.u16(questions.length, 'the number of questions')
  for (const section of sections) writer.u16(section.length, 'the number of records')
  for (const question of questions) writeQuestion(writer, question)
  const ends: number[] = []
  for (const section of sections) {
    for (const record of section) {
      writeQuestion(writer, record)
      writer.u32(record.ttl, `the TTL of ${record.name}`)
      writer.u16(record.data.length, `the length of the RDATA of ${record.name}`)
      writer.bytes(record.data)
      ends.push(writer.length)
    }
  }
  return { bytes: writer.finish(), ends }
}

function writeQuestion(writer: DnsWriter, question: DnsQuestion): void {
  writer.name(question.name)
  writer.u16(question.type, `the type of ${question.name}`)
  writer.u16(question.class, `the class of ${question.name}`)
}
