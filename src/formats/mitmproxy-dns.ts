// DNS messages as mitmproxy writes them.
import type { DnsMessage, DnsQuestion, DnsRecord } from '../flow/dns-message.js'
import { dict, list, maybe, type Shaped, shapedOrNone } from './shape.js'
import { seconds } from './times.js'
import type { Tnet, TnetDict } from './tnetstring.js'

const QUESTION = { name: 'text', type: 'number', class_: 'number' } as const
const RECORDS = list(dict({ ...QUESTION, ttl: 'number', data: 'bytes' }))

export const DNS = dict({
  id: 'number',
  query: 'boolean',
  op_code: 'number',
  authoritative_answer: 'boolean',
  truncation: 'boolean',
  recursion_desired: 'boolean',
  recursion_available: 'boolean',
  reserved: 'number',
  response_code: 'number',
  questions: list(dict(QUESTION)),
  answers: RECORDS,
  authorities: RECORDS,
  additionals: RECORDS,
  timestamp: maybe('number'),
})

/** The names of mitmproxy are decoded; those of midwire, and the message as it came, stand here. */
const OWN = dict({ raw: maybe('bytes'), names: maybe(list('text')) })

/** mitmproxy has Z, AD and CD as one number of 3 bits. */
const [Z, AD, CD] = [4, 2, 1]

export function readDns(state: Shaped<typeof DNS>, given: unknown): DnsMessage {
  const own = shapedOrNone(given, OWN)
  let next = 0
  const nameOf = (name: string) => own?.names?.[next++] ?? (name === '' ? '.' : name)
  const question = (one: Shaped<{ dict: typeof QUESTION }>): DnsQuestion => {
    return { name: nameOf(one.name), type: one.type, class: one.class_ }
  }
  const records = (list: Shaped<typeof RECORDS>): DnsRecord[] =>
    list.map((one) => ({ ...question(one), ttl: one.ttl, data: one.data }))
  return {
    id: state.id,
    response: !state.query,
    opcode: state.op_code,
    authoritative: state.authoritative_answer,
    truncated: state.truncation,
    recursionDesired: state.recursion_desired,
    recursionAvailable: state.recursion_available,
    reserved: (state.reserved & Z) !== 0,
    authenticData: (state.reserved & AD) !== 0,
    checkingDisabled: (state.reserved & CD) !== 0,
    rcode: state.response_code,
    questions: state.questions.map(question),
    answers: records(state.answers),
    authorities: records(state.authorities),
    additionals: records(state.additionals),
    raw: own?.raw ?? undefined,
  }
}

/** `at`: milliseconds since the epoch. */
export function writeDns(message: DnsMessage, at: number): { state: TnetDict; own: TnetDict } {
  const { questions, answers, authorities, additionals, raw } = message
  const question = (one: DnsQuestion) => ({ name: plainName(one.name), type: one.type, class_: one.class })
  const record = (one: DnsRecord): Tnet => ({ ...question(one), ttl: one.ttl, data: one.data })
  const names = [questions, answers, authorities, additionals].flatMap((list) => list.map(({ name }) => name))
  const isPlain = names.every((name) => name === '.' || plainName(name) === name)
  return {
    state: {
      id: message.id,
      query: !message.response,
      op_code: message.opcode,
      authoritative_answer: message.authoritative,
      truncation: message.truncated,
      recursion_desired: message.recursionDesired,
      recursion_available: message.recursionAvailable,
      reserved: (message.reserved ? Z : 0) | (message.authenticData ? AD : 0) | (message.checkingDisabled ? CD : 0),
      response_code: message.rcode,
      questions: questions.map(question),
      answers: answers.map(record),
      authorities: authorities.map(record),
      additionals: additionals.map(record),
      timestamp: seconds(at),
    },
    own: { ...(raw && { raw }), ...(!isPlain && { names }) },
  }
}

/** A name without its escapes: mitmproxy has none. */
const plainName = (name: string): string =>
  name === '.'
    ? ''
    : name.replace(/\\(\d{3}|.)/g, (_, one: string) => (one.length === 3 ? String.fromCharCode(Number(one)) : one))
