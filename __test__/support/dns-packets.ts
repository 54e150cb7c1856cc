// DNS messages by a seed, as dns-packet has them, with the text that each record's data should have.
import dnsPacket, { type Answer, type Packet } from 'dns-packet'

/** mulberry32: the same numbers for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = ReturnType<typeof random>

export const pick = <Item>(any: Random, items: readonly Item[]): Item => items[any(items.length)] as Item

export const octets = (any: Random, length: number) => Buffer.from(Array.from({ length }, () => any(256)))

function nameOf(any: Random): string {
  const labels = ['example', 'ORG', 'org', 'www', 'a', '_tcp', 'xn--bcher-kva', 'MiXeD', 'b'.repeat(63), '0']
  return Array.from({ length: any(4) }, () => pick(any, labels)).join('.') || '.'
}

/** A record for dns-packet, and its data as text of ours. */
function recordOf(any: Random): { answer: Answer; text?: string } {
  const base = { name: nameOf(any), ttl: any(2 ** 31), class: pick(any, ['IN', 'CH', 'HS'] as const) }
  const [target, other] = [nameOf(any), nameOf(any)]
  const number = any(65536)
  switch (any(12)) {
    case 0: {
      const data = [...octets(any, 4)].join('.')
      return { answer: { ...base, type: 'A', data }, text: data }
    }
    case 1: {
      const data = `2001:db8::${(1 + any(0xffff)).toString(16)}`
      return { answer: { ...base, type: 'AAAA', data }, text: data }
    }
    case 2:
      return {
        answer: { ...base, type: pick(any, ['NS', 'CNAME', 'PTR', 'DNAME'] as const), data: target },
        text: target,
      }
    case 3:
      return {
        answer: { ...base, type: 'MX', data: { preference: number, exchange: target } },
        text: `${number} ${target}`,
      }
    case 4: {
      const data = Array.from({ length: 1 + any(3) }, () => octets(any, any(40)))
      return { answer: { ...base, type: 'TXT', data } }
    }
    case 5:
      return {
        answer: { ...base, type: 'SRV', data: { priority: number, weight: 2, port: 443, target } },
        text: `${number} 2 443 ${target}`,
      }
    case 6:
      return {
        answer: {
          ...base,
          type: 'SOA',
          data: { mname: target, rname: other, serial: number, refresh: 1, retry: 2, expire: 3, minimum: 4 },
        },
        text: `${target} ${other} ${number} 1 2 3 4`,
      }
    case 7:
      return {
        answer: { ...base, type: 'CAA', data: { flags: 128, tag: 'issue', value: 'ca.example' } },
        text: '128 issue "ca.example"',
      }
    case 8:
      return {
        answer: {
          ...base,
          type: 'NAPTR',
          data: { order: 1, preference: number, flags: 's', services: 'SIP+D2U', regexp: '', replacement: target },
        },
        text: `1 ${number} "s" "SIP+D2U" "" ${target}`,
      }
    case 9:
      return { answer: { ...base, type: 'RP', data: { mbox: target, txt: other } } }
    case 10:
      return { answer: { ...base, type: 'HINFO', data: { cpu: 'PDP', os: 'TOPS' } }, text: '"PDP" "TOPS"' }
    default:
      // A type that neither knows by name.
      return { answer: { ...base, type: 'UNKNOWN_65280' as 'NULL', data: octets(any, any(60)) } }
  }
}

export const FLAGS = [
  dnsPacket.AUTHORITATIVE_ANSWER,
  dnsPacket.TRUNCATED_RESPONSE,
  dnsPacket.RECURSION_DESIRED,
  dnsPacket.RECURSION_AVAILABLE,
  dnsPacket.AUTHENTIC_DATA,
  dnsPacket.CHECKING_DISABLED,
]

export function packetOf(any: Random): { packet: Packet; texts: (string | undefined)[] } {
  const sections = [0, 0, 0].map(() => Array.from({ length: any(4) }, () => recordOf(any)))
  const [answers = [], authorities = [], additionals = []] = sections.map((records) =>
    records.map(({ answer }) => answer),
  )
  let flags = 0
  for (const flag of FLAGS) if (any(2)) flags |= flag
  const packet: Packet = {
    id: any(65536),
    type: pick(any, ['query', 'response']),
    flags: flags | any(16),
    questions: Array.from({ length: any(3) }, () => ({ name: nameOf(any), type: pick(any, ['A', 'SRV'] as const) })),
    answers,
    authorities,
    additionals,
  }
  return { packet, texts: sections.flat().map(({ text }) => text) }
}
