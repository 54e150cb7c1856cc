// The other end of a WireGuard tunnel that midwire leaves by, in the same process: all addresses, and a name server.

import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket as TcpSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type DnsMessage, parseDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aaaaRecord, aRecord, dnsReply, fitDns } from '../../src/flow/dns-reply.js'
import {
  type ConnectionRequest,
  type Datagram,
  generatePrivateKey,
  publicKey,
  startWireGuardServer,
  type WireGuardServer,
  type WireGuardStream,
} from '../../src/index.js'

export const NAME_SERVER = '10.9.0.53'
export const CLIENT = { v4: '10.9.0.2', v6: 'fd00:9::2' } as const

export interface FarEndOptions {
  /** The addresses of names; others do not exist. */
  names?: Record<string, readonly string[]>
  /** The addresses where a TCP connection is taken on, each by the port of 127.0.0.1 that its bytes go to. Others are refused. */
  servers?: Record<string, number>
  /** Answers datagrams: to the address `10.9.0.7:7` by the address and port. Others are refused. */
  echo?: readonly string[]
  /** All that is for this address goes to the same port of an address of this machine. */
  leads?: { readonly address: string; readonly to: string }
  /** Answers of more bytes are cut by UDP. */
  longest?: number
}

export interface FarEnd {
  readonly server: WireGuardServer
  /** The destinations of the connections that have come, and the addresses that they came from. */
  readonly seen: string[]
  /** The questions that the name server was asked, each as `udp A name`. */
  readonly asked: string[]
  readonly publicKey: string
  /** The text of the client's file. */
  text(changes?: Record<string, string>): string
  /** Ends it as a machine that loses its power. */
  stop(): Promise<void>
  /** Starts it again, at the same port. */
  again(): Promise<void>
}

/** Starts it on 127.0.0.1. It goes with the test. */
export async function farEnd(t: ExecutionContext, options: FarEndOptions = {}): Promise<FarEnd> {
  const privateKey = generatePrivateKey()
  const clientKey = generatePrivateKey()
  const [seen, asked]: string[][] = [[], []]
  const { names = {}, servers = {}, echo = [], longest = 512, leads } = options
  const mailboxes = new Map<string, Socket>()
  t.teardown(() => {
    for (const socket of mailboxes.values()) socket.close()
  })
  const answer = (question: DnsMessage, by: string) => {
    const { name = '', type = 0 } = question.questions[0] ?? {}
    asked?.push(`${by} ${type === DNS_TYPE.A ? 'A' : 'AAAA'} ${name}`)
    const addresses = names[name]
    if (!addresses) return dnsReply(question, { rcode: 3 })
    const answers = addresses.flatMap((address) => {
      const isV6 = address.includes(':')
      if (type === DNS_TYPE.AAAA && isV6) return [aaaaRecord(name, address)]
      return type === DNS_TYPE.A && !isV6 ? [aRecord(name, address)] : []
    })
    return dnsReply(question, { answers })
  }
  const start = (port: number) =>
    startWireGuardServer({
      host: '127.0.0.1',
      port,
      privateKey,
      allowHalfOpen: true,
      peers: [{ publicKey: publicKey(clientKey), allowedIps: [`${CLIENT.v4}/32`, `${CLIENT.v6}/128`] }],
      onRequest(request) {
        const { source, destination } = request
        const to = `${destination.address} ${destination.port}`
        seen?.push(`${to} from ${source.address}`)
        const local = servers[to]
        if (destination.address === leads?.address) lead(request, leads.to)
        else if (to === `${NAME_SERVER} 53`) askedByTcp(request.accept(), (question) => answer(question, 'tcp'))
        else if (local === undefined) request.refuse()
        else relay(request.accept(), local)
      },
      onDatagram(datagram) {
        const { address, port: number } = datagram.destination
        const to = `${address} ${number}`
        if (address === leads?.address) leadDatagram(datagram, leads.to, mailboxes)
        else if (to === `${NAME_SERVER} 53`) datagram.reply(fitDns(answer(parseDns(datagram.data), 'udp'), longest))
        else if (echo.includes(to)) echoed(datagram)
        else datagram.refuse()
      },
    })
  let server = await start(0)
  const { port } = server
  t.teardown(() => server.close())
  return {
    get server() {
      return server
    },
    seen: seen as string[],
    asked: asked as string[],
    publicKey: server.publicKey,
    text(changes = {}) {
      const fields = {
        PrivateKey: clientKey,
        Address: `${CLIENT.v4}/32, ${CLIENT.v6}/128`,
        DNS: NAME_SERVER,
        PublicKey: server.publicKey,
        AllowedIPs: '0.0.0.0/0, ::/0',
        Endpoint: `127.0.0.1:${port}`,
        ...changes,
      }
      const line = (name: keyof typeof fields) => (fields[name] ? `${name} = ${fields[name]}\n` : '')
      const own = line('PrivateKey') + line('Address') + line('DNS')
      return `[Interface]\n${own}[Peer]\n${line('PublicKey')}${line('AllowedIPs')}${line('Endpoint')}`
    },
    stop: () => server.close(),
    async again() {
      server = await start(port)
    },
  }
}

/** Writes a file for wg-quick, which goes with the test. */
export function confFile(t: ExecutionContext, text: string, mode = 0o600): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-exit-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'client.conf')
  writeFileSync(path, text, { mode })
  return path
}

/** A connection is refused where the server refuses it. */
function lead(request: ConnectionRequest, host: string): void {
  const socket = connect({ port: request.destination.port, host, allowHalfOpen: true })
  const refuse = () => request.refuse()
  socket.once('error', refuse)
  socket.once('connect', () => {
    socket.off('error', refuse)
    tie(request.accept(), socket)
  })
}

/** One socket for each flow. */
function leadDatagram(datagram: Datagram, host: string, mailboxes: Map<string, Socket>): void {
  const { source, destination, data } = datagram
  const key = `${source.port} ${destination.port}`
  let socket = mailboxes.get(key)
  if (!socket) {
    socket = createSocket('udp4')
    mailboxes.set(key, socket)
    socket.on('message', (answer) => datagram.reply(answer))
    socket.on('error', () => {})
  }
  socket.send(data, destination.port, host)
}

function relay(stream: WireGuardStream, port: number): void {
  tie(stream, connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
}

function tie(stream: WireGuardStream, socket: TcpSocket): void {
  stream.on('error', () => socket.resetAndDestroy())
  socket.on('error', () => stream.resetAndDestroy())
  stream.pipe(socket)
  socket.pipe(stream)
}

function askedByTcp(stream: WireGuardStream, answer: (question: DnsMessage) => DnsMessage): void {
  stream.on('error', () => {})
  stream.on('data', (data: Buffer) => {
    const bytes = fitDns(answer(parseDns(data.subarray(2))), 65_535)
    const head = Buffer.alloc(2)
    head.writeUInt16BE(bytes.length)
    stream.end(Buffer.concat([head, bytes]))
  })
}

function echoed(datagram: Datagram): void {
  datagram.reply(Buffer.from(`${datagram.data} from ${datagram.source.address}`))
}
