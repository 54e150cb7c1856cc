// A running proxy in `regular` mode, with its log and its flows kept, and ways through it.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { type AnyFlow, type LogEntry, Midwire, type MidwireOptions } from '../../src/index.js'
import { certificate } from './certificates.js'
import { bind, dial, Talk } from './talk.js'

/** A proxy that clients can come to; `port` is that of its first listener. */
export interface Entry {
  readonly proxy: Midwire
  readonly port: number
}

export interface Running extends Entry {
  readonly log: LogEntry[]
  /** Those that are over, in the order in which they ended. */
  readonly flows: AnyFlow[]
  /** The flow of that number, once it is over. */
  flow<Type extends AnyFlow['type']>(type: Type, number?: number): Promise<AnyFlow & { type: Type }>
  /** The first line of the log that matches, once it is there. */
  logged(sign: RegExp): Promise<LogEntry>
}

/** Starts it on a free port of 127.0.0.1, with a conf dir of its own; both go with the test. */
export async function startProxy(t: ExecutionContext, given: MidwireOptions = {}): Promise<Running> {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-proxy-'))
  const log: LogEntry[] = []
  const flows: AnyFlow[] = []
  let waiting: (() => boolean)[] = []
  const look = () => {
    waiting = waiting.filter((settled) => !settled())
  }
  const find = <T>(search: () => T | undefined) =>
    new Promise<T>((resolve) => {
      waiting.push(() => {
        const found = search()
        if (found !== undefined) resolve(found)
        return found !== undefined
      })
      look()
    })
  const proxy = await Midwire.start({
    modes: ['regular@0'],
    confdir,
    ...given,
    options: { ssl_insecure: true, ...given.options },
    sinks: [
      {
        name: 'test',
        log(entry) {
          log.push(entry)
          look()
        },
        flow(flow) {
          flows.push(flow)
          look()
        },
      },
      ...(given.sinks ?? []),
    ],
  })
  t.teardown(async () => {
    await proxy.close()
    rmSync(confdir, { recursive: true, force: true })
  })
  return {
    proxy,
    port: proxy.listeners[0]?.port ?? 0,
    log,
    flows,
    flow: <Type extends AnyFlow['type']>(type: Type, number = 0) =>
      find(() => flows.filter((one): one is AnyFlow & { type: Type } => one.type === type)[number]),
    logged: (sign) => find(() => log.find(({ message }) => sign.test(message))),
  }
}

/** A CONNECT to a port of 127.0.0.1, with what is said in the same breath. */
export async function tunnel(
  t: ExecutionContext,
  running: Running,
  port: number,
  first: string | Buffer = '',
): Promise<Talk> {
  const talk = await dial(t, running.port)
  const head = Buffer.from(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  talk.says(Buffer.concat([head, Buffer.from(first)]))
  t.is(await talk.hears('\r\n\r\n'), 'HTTP/1.1 200 Connection established\r\n\r\n')
  return talk
}

/** TLS inside a CONNECT, with a client that trusts the proxy. */
export async function tlsTunnel(
  t: ExecutionContext,
  running: Running,
  port: number,
  options: ConnectionOptions = {},
): Promise<Talk<TLSSocket>> {
  const { socket } = await tunnel(t, running, port)
  return overTls(socket, { ca: running.proxy.authority.pem, servername: 'upstream.test', ...options })
}

async function overTls(socket: Socket, options: ConnectionOptions): Promise<Talk<TLSSocket>> {
  socket.removeAllListeners('data')
  const secured = connect({ socket, ALPNProtocols: ['http/1.1'], ...options })
  const talk = new Talk(secured)
  await once(secured, 'secureConnect')
  return talk
}

/** A TLS server that answers every request. */
export async function tlsServer(t: ExecutionContext, host?: string): Promise<number> {
  const made = certificate({ names: ['upstream.test'] })
  const server = createServer({ cert: made.pem, key: made.keyPem, ALPNProtocols: ['http/1.1'] }, (socket) => {
    const talk = new Talk(socket)
    socket.on('data', () => talk.says(ok('answer')))
    t.teardown(() => socket.destroy())
  })
  return bind(t, server, host)
}

/** A whole GET, as a client of an explicit proxy writes it. */
export const get = (port: number, path = '/', method = 'GET'): string =>
  `${method} http://127.0.0.1:${port}${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`

/** A whole response with that body. */
export const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
