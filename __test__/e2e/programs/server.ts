// The server under test, in the server's namespace: midwire's public API, and what the tests ask of it.
import type { Duplex } from 'node:stream'
import { type PeerStatus, startWireGuardServer } from '../../../src/index.js'
import { emit } from '../support/emit.js'
import { port, resume, serve } from './services.js'

type Options = Parameters<typeof startWireGuardServer>[0]
type Server = Awaited<ReturnType<typeof startWireGuardServer>>
type Datagram = Parameters<NonNullable<Options['onDatagram']>>[0]

export interface Settings extends Omit<Options, 'onRequest' | 'onConnection' | 'onDatagram' | 'onIcmp' | 'onError'> {
  /** Every connection is asked for first (`onRequest`), and `services.ts` says which are not accepted. */
  requests?: boolean
  /** ICMP that is not for the server itself rises (`onIcmp`); echo requests among it are answered from here. */
  icmp?: boolean
}

export interface Failure {
  source: number
  destination: number
  code: string | undefined
}

export const udpPort = { echo: 7, refused: 9, elsewhere: 10, silent: 11, tell: 12 } as const
/** Where the answer of `udpPort.elsewhere` comes from. */
export const elsewhere = { 4: { address: '203.0.113.99', port: 4242 }, 6: { address: '2001:db8:ff::99', port: 4242 } }

/** The types of an echo request and its reply (RFC 792, RFC 4443). */
const echoReply: Record<number, number> = { 8: 0, 128: 129 }

let server: Server | undefined
const streams = new Set<Duplex>()

export async function start({ requests, icmp, ...options }: Settings): Promise<{ port: number; publicKey: string }> {
  server = await startWireGuardServer({
    ...options,
    ...(requests && {
      onRequest(request) {
        emit('request', request.destination.port)
        if (request.destination.port === port.refused) request.refuse()
        else if (request.destination.port === port.hostUnreachable) request.unreachable('host')
        else if (request.destination.port === port.networkUnreachable) request.unreachable('network')
        else if (request.destination.port === port.prohibited) request.unreachable('prohibited')
        else if (request.destination.port === port.ignored) request.ignore()
        else accept(request.accept())
      },
    }),
    onConnection: accept,
    onDatagram: answer,
    ...(icmp && {
      onIcmp(message) {
        emit('icmp', { type: message.type, source: message.source.address, destination: message.destination.address })
        const reply = echoReply[message.type]
        if (reply === undefined) return
        const data = Buffer.from(message.data)
        data[0] = reply
        message.reply(data)
      },
    }),
    onError: ({ code, message }) => emit('error', `${code}: ${message}`),
  })
  return { port: server.port, publicKey: server.publicKey }
}

type Stream = Parameters<NonNullable<Options['onConnection']>>[0]

function accept(stream: Stream): void {
  // Asked or not asked, a stream may come by either way, and once only.
  if (streams.has(stream)) return
  streams.add(stream)
  const { source, destination } = stream
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const failure: Failure = { source: source.port, destination: destination.port, code: error.code }
    emit('stream error', failure)
  })
  stream.on('close', () => streams.delete(stream))
  serve(stream, destination.port)
}

function answer(datagram: Datagram): void {
  const { data, source, destination } = datagram
  if (destination.port === udpPort.echo) datagram.reply(data)
  else if (destination.port === udpPort.elsewhere) server?.sendDatagram(data, elsewhere[destination.family], source)
  else if (destination.port === udpPort.tell) {
    emit('datagram', { bytes: data.length, source: source.address, destination: destination.address })
  } else if (destination.port !== udpPort.silent) datagram.refuse()
}

function running(): Server {
  if (!server) throw new Error('the server is not started')
  return server
}

export const peers = (): PeerStatus[] => running().peers()

export const counters = (): Record<string, number> => running().counters()
export const addPeer = (peer: Parameters<Server['addPeer']>[0]): void => void running().addPeer(peer)
export const removePeer = (publicKey: string): boolean => running().removePeer(publicKey)
export const sendDatagram = (...args: Parameters<Server['sendDatagram']>): void => running().sendDatagram(...args)
export const sendIcmp = (...args: Parameters<Server['sendIcmp']>): void => void running().sendIcmp(...args)
/** Streams that are not closed. */
export const open = (): number => streams.size
export { resume }

/** Opens a connection through the tunnel, says something, and gives what comes back before the end. */
export function ask(host: string, port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = running().connect({ host, port })
    let answer = ''
    stream.on('data', (chunk: Buffer) => {
      answer += chunk
    })
    stream.on('end', () => resolve(answer))
    stream.on('error', reject)
    stream.end(text)
  })
}

/** Throws away what may be thrown away, so that memory can be compared. */
export const collect = (): void => globalThis.gc?.()

export const close = async (): Promise<void> => {
  await running().close()
}
