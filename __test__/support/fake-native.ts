// An addon in memory that keeps the contract: the test raises events, and the commands that fall are kept.
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NativeConnection, NativePeer, NativePeerStatus, NativeServerOptions } from '../../src/native/binding.cjs'
import { addressHeader, commandsIn, type Ends, EVENTS, type Fallen, record, word } from './records.js'

/** What one exchange took down and up. */
export interface Exchanged {
  down: number
  room: number
  up: number
}

export class FakeNativeServer {
  /** Every server that was started, the newest last. */
  static readonly started: FakeNativeServer[] = []
  /** What the next start throws. */
  static failures: (Error | undefined)[] = []

  readonly port: number
  readonly options: NativeServerOptions
  readonly exchanges: Exchanged[] = []
  readonly fallen: Fallen[] = []
  /** How often the doorbell was rung. */
  rings = 0
  /** Called with each command as it falls. */
  onCommand: ((command: Fallen) => void) | undefined
  /** What the next exchange throws. */
  failure: Error | undefined
  nextId = 1000
  closing = false
  readonly #doorbell: () => void
  readonly #events: Buffer[] = []
  readonly #peers: (NativePeer & { peer: number })[] = []
  #awake = false
  #nextPeer = 1

  constructor(options: NativeServerOptions, doorbell: () => void) {
    this.options = options
    this.#doorbell = doorbell
    this.port = options.port || 40_000 + FakeNativeServer.started.length
    for (const peer of options.peers) this.addPeer(peer)
  }

  static start(options: NativeServerOptions, doorbell: () => void): FakeNativeServer {
    const failure = FakeNativeServer.failures.shift()
    if (failure) throw failure
    const server = new FakeNativeServer(options, doorbell)
    FakeNativeServer.started.push(server)
    return server
  }

  exchange(commands: Uint8Array, length: number, slab: Uint8Array): number {
    const { failure } = this
    this.failure = undefined
    if (failure) throw failure
    for (const command of commandsIn(commands, length)) {
      this.fallen.push(command)
      this.onCommand?.(command)
    }
    let up = 0
    for (let first = this.#events[0]; first && up + first.length <= slab.length; first = this.#events[0]) {
      slab.set(first, up)
      up += first.length
      this.#events.shift()
    }
    this.#awake = up > 0
    this.exchanges.push({ down: length, room: slab.length, up })
    return up
  }

  connect(_destination: string, _port: number, _source?: string | null): NativeConnection {
    return { id: this.nextId++, peer: 1 }
  }

  addPeer(peer: NativePeer): number {
    this.#peers.push({ ...peer, peer: this.#nextPeer })
    return this.#nextPeer++
  }

  removePeer(publicKey: Uint8Array): boolean {
    const at = this.#peers.findIndex((peer) => peer.publicKey.equals(publicKey))
    if (at >= 0) this.#peers.splice(at, 1)
    return at >= 0
  }

  peers(): NativePeerStatus[] {
    return this.#peers.map(({ peer, publicKey, allowedIps, endpoint }) => ({
      peer,
      publicKey,
      allowedIps,
      ...(endpoint && { endpoint }),
      receivedBytes: 0,
      sentBytes: 0,
      dropped: 0,
    }))
  }

  counters(): Record<string, number> {
    return { exchanges: this.exchanges.length }
  }

  close(): void {
    this.closing = true
    this.raise('stopped')
  }

  panicForTest(): void {
    throw Object.assign(new Error('panicked for a test'), { code: 'PANIC' })
  }

  /** An event rises; the doorbell is rung once until Node looks. */
  raise(kind: keyof typeof EVENTS, id = 0, payload?: Uint8Array): void {
    this.#events.push(record(EVENTS[kind], id, payload))
    if (this.#awake) return
    this.#awake = true
    this.rings += 1
    setImmediate(this.#doorbell)
  }

  opened(id: number, ends: Partial<Ends> = {}): void {
    const all: Ends = { source: ['10.0.0.1', 4000 + (id % 1000)], destination: ['192.0.2.1', 80], peer: 1, ...ends }
    this.raise('opened', id, addressHeader(all))
  }

  /** The bytes written to a stream so far. */
  written(id: number): Buffer {
    return Buffer.concat(this.commands('write', id).map(({ payload }) => payload))
  }

  commands(kind: Fallen['kind'], id?: number): Fallen[] {
    return this.fallen.filter((one) => one.kind === kind && (id === undefined || one.id === id))
  }

  /** The credit given back for a stream so far. */
  credit(id: number): number {
    return this.commands('credit', id).reduce((sum, { payload }) => sum + payload.readUInt32LE(0), 0)
  }

  log(level: number, target: string, message: string): void {
    this.raise('log', 0, Buffer.concat([word(level), word(Buffer.byteLength(target)), Buffer.from(target + message)]))
  }
}

/** Puts the fake in the addon's place, for this process. Must be called before the addon is first needed. */
export function useFakeNative(): void {
  const binding = { NativeServer: FakeNativeServer, generatePrivateKey: () => randomBytes(32), publicKey }
  const place = Symbol.for('midwire.test.binding')
  Object.assign(globalThis, { [place]: binding })
  const folder = mkdtempSync(join(tmpdir(), 'midwire-fake-'))
  const path = join(folder, 'binding.cjs')
  writeFileSync(path, `module.exports = globalThis[Symbol.for(${JSON.stringify(place.description)})]`)
  process.env.NAPI_RS_NATIVE_LIBRARY_PATH = path
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
}

function publicKey(privateKey: Uint8Array): Buffer {
  // The heads of RFC 8410 around 32 raw bytes.
  const head = Buffer.from('302e020100300506032b656e04220420', 'hex')
  const key = createPrivateKey({ key: Buffer.concat([head, privateKey]), format: 'der', type: 'pkcs8' })
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12)
}
