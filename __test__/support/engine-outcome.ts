// All that is seen of one connection through midwire with one of its engines of TLS: by the client, the server, the log, hooks and the flow.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import type { ExecutionContext } from 'ava'
import type { Connection } from '../../src/index.js'
import type { Client } from './engine-clients.js'
import { ANSWER, type Differs, root, type Serve } from './engine-servers.js'
import { startProxy, tunnel } from './proxy.js'
import { bind, Talk } from './talk.js'

export type Engine = 'auto' | 'node'

export interface Case {
  readonly serve: Serve
  readonly goes: Client
  readonly times?: number | undefined
  readonly options?: Readonly<Record<string, unknown>>
}

/** A folder with a file for each text; it goes with the test. */
export function files(t: ExecutionContext, texts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-engines-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text)
  return folder
}

/** All have one authority: to make one takes longer than all else. */
const confdir = mkdtempSync(join(tmpdir(), 'midwire-engines-'))
process.once('exit', () => rmSync(confdir, { recursive: true, force: true }))

/** Both engines make the same of it. A few are compared at a time: each takes the time of all that run beside it. */
export async function compare(t: ExecutionContext, one: Case, differs?: Differs) {
  await places.take()
  try {
    const [rustls, openssl] = await Promise.all([outcome(t, 'auto', one), outcome(t, 'node', one)])
    if (differs) t.notDeepEqual(rustls, openssl, `no longer true: ${differs.why}`)
    const said = (differs?.texts ?? []).reduce((all, texts) => all.replaceAll(...texts), JSON.stringify(rustls))
    t.deepEqual(JSON.parse(said), JSON.parse(JSON.stringify(openssl)))
  } finally {
    places.leave()
  }
}

const places = {
  free: 8,
  waiting: [] as (() => void)[],
  async take() {
    if (this.free > 0) this.free -= 1
    else await new Promise<void>((go) => this.waiting.push(go))
  },
  leave() {
    const next = this.waiting.shift()
    if (next) next()
    else this.free += 1
  },
}

async function outcome(t: ExecutionContext, engine: Engine, { serve, goes, times = 1, options }: Case) {
  let heard = () => {}
  const server = await begin(t, serve, new Promise((resolve) => (heard = resolve)))
  const trusted = join(files(t, { 'root.pem': root.pem }), 'root.pem')
  const running = await startProxy(t, {
    confdir,
    options: { tls_engine: engine, ssl_insecure: false, ssl_verify_upstream_trusted_ca: trusted, ...options },
  })
  const { proxy } = running
  const hooks: string[] = []
  for (const name of ['tls_failed_client', 'tls_failed_server'] as const) {
    proxy.on(name, ({ error }) => void hooks.push(`${name}: ${error}`))
  }
  for (const name of ['tls_clienthello', 'tls_established_client', 'tls_established_server'] as const) {
    proxy.on(name, () => void hooks.push(name))
  }
  const connections: Connection[] = []
  proxy.on('client_disconnected', (client) => void connections.push(client))
  proxy.on('server_disconnected', ({ server: one }) => void connections.push(one))
  const client: unknown[] = []
  for (let time = 0; time < times; time++) {
    client.push(await goes(await tunnel(t, running, server.port), proxy.authority.pem, heard))
  }
  await proxy.close()
  const unported = (text: string | undefined) => text?.replace(/127\.0\.0\.1:\d+/g, 'HERE')
  return {
    client,
    server: await server.seen(),
    hooks: hooks.map(unported),
    log: running.log
      .filter(({ level }) => level !== 'debug')
      .map(({ level, message }) => unported(`${level}: ${message}`)),
    flows: running.flows.map((flow) => [flow.type, unported(flow.error?.message)]),
    tls: connections.map(({ tls, error }) => ({ ...facts(tls), error: unported(error) })).slice(-2),
  }
}

function facts(tls: Connection['tls']) {
  const { establishedAt, certificates, ja3, ja4, ...rest } = tls ?? {}
  return {
    ...rest,
    isEstablished: establishedAt !== undefined,
    chain: certificates?.map((one) => one.toString('base64')),
  }
}

/** `seen`: what the server has seen of its last connection, once all of them are over. */
async function begin(t: ExecutionContext, serve: Serve, heard: Promise<void>) {
  const sockets = new Set<Socket>()
  let seen: unknown
  const server =
    typeof serve === 'function' ? createTcpServer((socket) => serve(socket, heard)) : createServer(serve, answer)
  let lookedAt = () => {}
  function answer(socket: TLSSocket): void {
    const { subject } = socket.getPeerCertificate()
    seen = {
      version: socket.getProtocol(),
      cipher: socket.getCipher().name,
      alpn: socket.alpnProtocol,
      name: (socket as { servername?: unknown }).servername,
      client: subject?.CN,
      isResumed: socket.isSessionReused(),
    }
    const talk = new Talk(socket)
    void talk.hears('\r\n\r\n').then(
      () => socket.end(ANSWER),
      () => {},
    )
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      lookedAt()
    })
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    seen = { error: error.code }
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: await bind(t, server),
    async seen() {
      await new Promise<void>((resolve) => {
        lookedAt = () => {
          if (sockets.size === 0) resolve()
        }
        lookedAt()
      })
      return seen
    },
  }
}
