// A name server for the tests of the resolver, and a resolver that goes with its test.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { ExecutionContext } from 'ava'
import { type DnsMessage, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aaaaRecord, aRecord, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { Resolver, type ResolverOptions } from '../../src/proxy/resolver.js'

type Say = (answer: Buffer) => void

export interface Script {
  udp: (query: DnsMessage, say: Say, from: RemoteInfo) => void
  tcp?: (query: DnsMessage, say: Say) => void
}

/** Undefined for what is no DNS, which has no answer. */
function readQuery(data: Buffer): DnsMessage | undefined {
  try {
    return parseDns(data)
  } catch {
    return undefined
  }
}

/** Binds one port for both transports. A client of another test may have that of UDP, so other ports are tried. */
async function bindBoth(tcp: Server): Promise<{ udp: Socket; port: number }> {
  for (;;) {
    await once(tcp.listen(0, '127.0.0.1'), 'listening')
    const { port } = tcp.address() as { port: number }
    const udp = createSocket('udp4')
    const bound = once(udp, 'listening')
    udp.bind(port, '127.0.0.1')
    try {
      await bound
      return { udp, port }
    } catch {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    }
  }
}

/** A name server on 127.0.0.1, by UDP and TCP on one port. */
export async function nameServer(
  t: ExecutionContext,
  script: Script,
): Promise<{ text: string; queries: DnsMessage[] }> {
  const queries: DnsMessage[] = []
  const tcp = createServer((socket) => {
    let rest = Buffer.alloc(0)
    const handle = (query: DnsMessage) => {
      queries.push(query)
      script.tcp?.(query, (answer) => {
        const head = Buffer.alloc(2)
        head.writeUInt16BE(answer.length)
        // In two segments, the length cut in half.
        socket.write(head.subarray(0, 1))
        setTimeout(() => socket.write(Buffer.concat([head.subarray(1), answer])), 20)
      })
    }
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
        const end = 2 + rest.readUInt16BE()
        const query = readQuery(rest.subarray(2, end))
        if (query) handle(query)
        rest = rest.subarray(end)
      }
    })
    socket.on('error', () => {})
  })
  const { udp, port } = await bindBoth(tcp)
  udp.on('message', (data, from) => {
    const query = readQuery(data)
    if (!query) return
    queries.push(query)
    script.udp(query, (answer) => udp.send(answer, from.port, from.address), from)
  })
  t.teardown(() => {
    udp.close()
    tcp.close()
  })
  return { text: `127.0.0.1:${port}`, queries }
}

export function resolverOf(t: ExecutionContext, options: Partial<ResolverOptions>): Resolver {
  const resolver = new Resolver({ useHostsFile: false, hostsFile: '/nonexistent', ...options })
  t.teardown(() => resolver.close())
  return resolver
}

/** A name server's answers: addresses for every name but three. */
export const zone: Script = {
  udp: (query, say) => {
    const { name = '', type } = query.questions[0] ?? {}
    const answers =
      type === DNS_TYPE.A
        ? [aRecord(name, '192.0.2.1', 1234)]
        : type === DNS_TYPE.AAAA
          ? [aaaaRecord(name, '2001:db8::1', 7)]
          : []
    switch (name) {
      case 'no.example':
        return say(writeDns(dnsReply(query, { rcode: 3 })))
      case 'empty.example':
        return say(writeDns(dnsReply(query)))
      case 'broken.example':
        return say(writeDns(dnsReply(query, { rcode: 2 })))
      default:
        return say(writeDns(dnsReply(query, { answers })))
    }
  },
}

export const shown = ({ rcode, answers }: DnsMessage) =>
  `${rcode} ${answers.map((one) => `${one.ttl} ${recordText(one)}`).join(', ')}`

/** Answers with the addresses that a name has here; other names do not exist. A name without addresses of a family has none of it. */
export const hosts = (names: Readonly<Record<string, readonly string[]>>): Script => ({
  udp: (query, say) => {
    const { name = '', type } = query.questions[0] ?? {}
    const addresses = names[name]
    if (!addresses) return say(writeDns(dnsReply(query, { rcode: 3 })))
    const answers = addresses.flatMap((address) => {
      const isV6 = address.includes(':')
      if (type === DNS_TYPE.AAAA && isV6) return [aaaaRecord(name, address, 60)]
      return type === DNS_TYPE.A && !isV6 ? [aRecord(name, address, 60)] : []
    })
    return say(writeDns(dnsReply(query, { answers })))
  },
})
