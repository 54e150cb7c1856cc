// A client of DNS in a test, by UDP or TCP, which may send one byte at a time.
import { setImmediate } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { type DnsMessage, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { dnsQuery } from '../../src/flow/dns-reply.js'
import { frameDns } from '../../src/layers/dns-framing.js'
import type { Running } from './proxy.js'
import { dial } from './talk.js'
import { answered, udpTalk } from './udp-talk.js'

export type Transport = 'udp' | 'tcp'

export interface DnsClient {
  /** Asks, and gives the answer. */
  asks(query: Buffer): Promise<DnsMessage>
  /** Says that there will be no more queries. */
  ends(): void
}

let queries = 0

/** A question for the IPv4 addresses of a name, with a number of its own. */
export function queryFor(name: string): Buffer {
  queries = (queries + 1) % 65_536
  return writeDns(dnsQuery(name, DNS_TYPE.A, queries))
}

/** Where a proxy takes queries by a transport. */
export const dnsPort = ({ proxy }: Running, by: Transport): number =>
  proxy.listeners.find(({ transport }) => transport === by)?.port ?? 0

/** `slowly`: by TCP, one byte in each turn of the event loop. */
export async function dnsClient(
  t: ExecutionContext,
  running: Running,
  by: Transport,
  slowly = false,
): Promise<DnsClient> {
  if (by === 'udp') {
    const talk = await udpTalk(t, dnsPort(running, by))
    return { asks: async (query) => parseDns(await answered(talk, query)), ends() {} }
  }
  const talk = await dial(t, dnsPort(running, by))
  talk.socket.setNoDelay()
  return {
    async asks(query) {
      const data = frameDns(query, true)
      for (const octet of slowly ? data : []) {
        talk.says(Buffer.of(octet))
        await setImmediate()
      }
      if (!slowly) talk.says(data)
      const length = await talk.hearsOctets(2)
      return parseDns(await talk.hearsOctets(length.readUInt16BE()))
    },
    ends: () => void talk.socket.end(),
  }
}
