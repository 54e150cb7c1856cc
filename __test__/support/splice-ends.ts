// A client and a server that the addon's connections lead to, tied to channels that can be spliced.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { loadAuthority } from '../../src/certs/authority.js'
import { CertificateStore } from '../../src/certs/store.js'
import { Channel } from '../../src/layers/channel.js'
import { Bindings } from '../../src/proxy/bindings.js'
import { connections } from '../../src/transports/connections/connections.js'
import type { ConnectionTransport } from '../../src/transports/connections/transport.js'
import { secureClient } from '../../src/transports/tls.js'
import { PLACE } from './fake-transport.js'
import { bind } from './talk.js'

export const MIB = 1 << 20

/** Bytes that tell where in a stream they stand. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((at + seed) >>> 0, at)
  return bytes
}

/** A client and a server, and the two connections of the addon's that lead to them. */
async function ends(t: ExecutionContext, overTls = false) {
  const engine = connections()
  if (!engine) throw new Error('no addon')
  let accept: (socket: Socket) => void = () => {}
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve
  })
  const port = await bind(t, createServer({ allowHalfOpen: true }, accept))
  let arrive: (transport: ConnectionTransport) => void = () => {}
  const arrived = new Promise<ConnectionTransport>((resolve) => {
    arrive = resolve
  })
  const listener = engine.listen('127.0.0.1', 0, arrive)
  t.teardown(() => listener.close())
  const near = { host: '127.0.0.1', port: listener.port, allowHalfOpen: true }
  const toServer = await engine.connect('127.0.0.1', port)
  const client = overTls ? connectTls({ ...near, servername: 'a.test', rejectUnauthorized: false }) : connectPlain(near)
  let toClient = await arrived
  if (overTls) {
    const confdir = mkdtempSync(join(tmpdir(), 'midwire-splice-'))
    t.teardown(() => rmSync(confdir, { recursive: true }))
    const store = new CertificateStore(await loadAuthority(confdir))
    const native = store.native({ sni: 'a.test' }, { alpn: undefined, rustlsKeys: ['p256'], logsKeys: false })
    if (!native) throw new Error('no context')
    const secured = once(client, 'secureConnect')
    const { pipe } = await secureClient(toClient, Buffer.alloc(0), { by: { native }, alpn: undefined })
    toClient = pipe as ConnectionTransport
    await secured
  } else await once(client, 'connect')
  const server = await accepted
  for (const socket of [client, server]) {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  t.teardown(() => {
    toClient.reset()
    toServer.reset()
  })
  return { client, server, toClient, toServer }
}

/** As `ends`, tied to channels; as a layer does, the end of one side ends the other. */
export async function tied(t: ExecutionContext, overTls = false) {
  const all = await ends(t, overTls)
  const heard: string[] = []
  let look = () => {}
  const channels = { client: new Channel({ id: 'client', ...PLACE }), server: new Channel({ id: 'server', ...PLACE }) }
  const nameOf = (channel: unknown) => (channel === channels.client ? 'client' : 'server')
  const other = (channel: unknown) => (channel === channels.client ? channels.server : channels.client)
  const say = (text: string) => {
    if (heard.at(-1) !== text) heard.push(text)
    look()
  }
  const hooks = { onData: (_data: Buffer, _name: string) => {} }
  const bindings = new Bindings({
    handleData: (channel, data) => {
      say(`${nameOf(channel)} data`)
      hooks.onData(data, nameOf(channel))
      bindings.of(other(channel))?.write(data)
    },
    handleEnd: (channel) => {
      say(`${nameOf(channel)} end`)
      bindings.of(other(channel))?.end()
    },
    handleDrain: () => {},
    handleDropped: () => {},
    handlePassed: () => say('passed'),
    handleClose: (channel, error) => {
      channel.closed = true
      bindings.unbind(channel)
      say(`${nameOf(channel)} close ${error?.code}`)
    },
  })
  bindings.bind(channels.client, all.toClient)
  bindings.bind(channels.server, all.toServer)
  /** Bytes that Node itself has written since the splice. */
  const own = { written: 0 }
  const splice = async () => {
    bindings.splice(channels.client, channels.server)
    await null
    for (const one of [all.toClient, all.toServer]) {
      const { write } = one
      one.write = (data) => {
        own.written += data.length
        return write.call(one, data)
      }
    }
  }
  const hears = (text: string) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (heard.includes(text)) resolve()
      }
      look()
    })
  return { ...all, channels, bindings, heard, hears, own, splice, hooks }
}

/** All that a socket hears until its end; `slowly`: it stops after some pieces. */
export async function all(socket: Socket, slowly = false): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    if (!slowly || pieces.length % 8 > 0) return
    socket.pause()
    setTimeout(() => socket.resume(), 1)
  })
  await once(socket, 'end')
  return Buffer.concat(pieces)
}

/** Waits until a number that grows has not done so for some turns, or is as large as `enough`. */
export async function quiet(number: () => number, enough: number): Promise<void> {
  let before = 0
  let still = 0
  while (still < 20 && number() < enough) {
    await later(20)
    still = number() > before || before === 0 ? 0 : still + 1
    before = number()
  }
}
