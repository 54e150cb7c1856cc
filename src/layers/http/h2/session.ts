// A connection of HTTP/2, of either role: bytes come and go, and what they mean is told to a handler. No socket, no clock.
import { type Http2Error, NO_ERROR } from './error.js'
import { Fingerprint, type Priority } from './fingerprint.js'
import { Floods } from './floods.js'
import { PING, PREFACE, PRIORITY, putHeader, writeGoaway, writePlain, writeSettings } from './frames.js'
import { Receiver } from './receiver.js'
import { Sender } from './sender.js'
import {
  DEFAULT_WINDOW,
  ENABLE_CONNECT_PROTOCOL,
  ENABLE_PUSH,
  HEADER_TABLE_SIZE,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE,
  MAX_WINDOW,
  Settings,
} from './settings.js'
import { Stream } from './stream.js'

export type Role = 'server' | 'client'

/**
 * What a session tells its owner, while `receive`, `takeOutput`, `consumed` or `reset` runs. Each of these may call the session again.
 * Fields alternate name and value, as latin1 strings, in the peer's order, pseudo-header fields included.
 */
export interface SessionHandler {
  /** A head: of a request (server), of an interim or the final response (client). `end`: no body follows. */
  handleHead(stream: Stream, fields: string[], end: boolean): void
  /** Trailers, which end what the peer sends: `handleEnd` is not called in addition. */
  handleTrailers(stream: Stream, fields: string[]): void
  /** Data without padding, never empty. It is a piece of what `receive` was given. The owner says `consumed` of all its bytes. */
  handleData(stream: Stream, data: Buffer): void
  /** The peer has ended its side behind data. */
  handleEnd(stream: Stream): void
  /** RST_STREAM of the peer, or an error of the stream, which `error` tells. Nothing more comes of the stream. */
  handleReset(stream: Stream, code: number, error?: string): void
  /** A stream that was `full` takes more. */
  handleRoom(stream: Stream): void
  /** Client: before it, streams above `lastStream` get `handleReset` with REFUSED_STREAM, since another connection may have them. */
  handleGoaway(lastStream: number, code: number, debug: Buffer): void
  /** The peer's SETTINGS have come into force, and `peerSettings` has them. */
  handleSettings(): void
  /** The answer to a `ping`. */
  handlePong(): void
  /** An error of the connection. GOAWAY is in the output: the connection is to be closed once it is sent. Nothing more is told. */
  handleFatal(error: Http2Error): void
  /** Server: a request was refused, and no stream made of it. For logs. */
  handleRefused?(error: Http2Error): void
}

export interface SessionOptions {
  /**
   * Our SETTINGS in the order in which they are sent: ids and values. A client's always have ENABLE_PUSH 0, a server's always have
   * MAX_CONCURRENT_STREAMS. Default: `defaultSettings(role)`.
   */
  settings?: readonly (readonly [number, number])[]
  /** How much larger than 65,535 bytes the connection's window is made at the start. Default: 983,041, so that it is 1 MiB. */
  windowUpdate?: number
  /** Client: PRIORITY frames that follow SETTINGS and WINDOW_UPDATE. Default: none. */
  priorities?: readonly Priority[]
  /** Bytes of a head, or of trailers, as RFC 9113, 6.5.2 counts them. Default: 64 KiB for a server, 256 KiB for a client. */
  maxHeaderListSize?: number
  /** Fields of a head. Default: 2,000. */
  maxFields?: number
}

/** Streams that a client may have at once, unless its settings say otherwise. */
export const MAX_STREAMS = 100
/** Bytes of a head that a server takes, and a client, as with HTTP/1. */
export const MAX_HEAD: Readonly<Record<Role, number>> = { server: 64 * 1024, client: 256 * 1024 }
/** Fields of a head, as with HTTP/1. */
export const MAX_FIELDS = 2_000
/** The window of a stream: what of its body may be with us before it is passed on. */
const WINDOW = 256 * 1024
const CONNECTION_WINDOW = 1024 * 1024
const LAST_ID = 0x7fff_ffff
const PING_DATA = Buffer.from('midwire\0', 'latin1')
const NOTHING = Buffer.alloc(0)

/** The settings of a session that is not told others. */
export function defaultSettings(role: Role): [number, number][] {
  const rest: [number, number][] = [
    [INITIAL_WINDOW_SIZE, WINDOW],
    [MAX_HEADER_LIST_SIZE, MAX_HEAD[role]],
  ]
  if (role === 'client') return [[HEADER_TABLE_SIZE, 4096], [ENABLE_PUSH, 0], ...rest]
  return [[MAX_CONCURRENT_STREAMS, MAX_STREAMS], ...rest, [ENABLE_CONNECT_PROTOCOL, 1]]
}

export class Session {
  readonly role: Role
  /** The peer's settings in force. */
  readonly peerSettings: Settings
  /** Server: what the client has introduced itself with. */
  readonly fingerprint = new Fingerprint()
  private readonly streams = new Map<number, Stream>()
  private readonly floods = new Floods()
  private readonly sender: Sender
  private readonly receiver: Receiver
  private nextId = 1

  constructor(role: Role, options: SessionOptions, handler: SessionHandler) {
    this.role = role
    const settings = completed(role, options.settings ?? defaultSettings(role))
    const own = new Settings()
    for (const [id, value] of settings) own.apply(id, value, false)
    this.sender = new Sender(
      this.floods,
      (stream) => this.receiver.handleSent(stream),
      (stream) => handler.handleRoom(stream),
    )
    this.peerSettings = this.sender.peerSettings
    const more = Math.min(options.windowUpdate ?? CONNECTION_WINDOW - DEFAULT_WINDOW, MAX_WINDOW - DEFAULT_WINDOW)
    this.receiver = new Receiver({
      role,
      own,
      connectionWindow: DEFAULT_WINDOW + more,
      maxList: options.maxHeaderListSize ?? MAX_HEAD[role],
      maxFields: options.maxFields ?? MAX_FIELDS,
      handler,
      sender: this.sender,
      streams: this.streams,
      floods: this.floods,
      fingerprint: this.fingerprint,
    })
    const { output } = this.sender
    if (role === 'client') output.push(PREFACE)
    writeSettings(output, settings)
    if (more > 0) this.sender.credit(0, more)
    if (role === 'client') for (const priority of options.priorities ?? []) this.writePriority(priority)
  }

  /** Takes what has come, in any pieces. It never throws for what a peer sends. */
  receive(data: Buffer): void {
    this.receiver.receive(data)
  }

  get hasOutput(): boolean {
    return this.sender.output.length > 0
  }

  /**
   * All bytes that are to be sent. Not to be called while the connection takes none: then data waits in the streams, which are `full`,
   * and a peer that asks for answers without reading them is found out.
   */
  takeOutput(): Buffer | undefined {
    const taken = this.sender.output.take()
    this.floods.taken()
    if (!this.receiver.dead) this.sender.pump()
    return taken
  }

  /** Streams of the peer (server) or of ours (client) that are not closed. */
  get openStreams(): number {
    return this.streams.size
  }

  /** The head, or other frame than DATA, that the peer has begun and not finished, as a number that no later one has; 0 if none. */
  get unfinished(): number {
    return this.receiver.unfinished
  }

  /** One side has said GOAWAY, or the connection has failed: no stream can be opened. */
  get goneAway(): boolean {
    return this.receiver.goneAway
  }

  /** Client: `open` would give a stream. */
  get canOpen(): boolean {
    return (
      this.role === 'client' &&
      !this.receiver.goneAway &&
      this.streams.size < this.peerSettings.maxConcurrentStreams &&
      this.nextId < LAST_ID
    )
  }

  /**
   * Client: sends a request's head. Undefined where `canOpen` is false. `never` names fields to be written as never-indexed literals, as
   * are `authorization`, `proxy-authorization` and short cookies. Throws an Http2Error for fields that HTTP/2 cannot have.
   */
  open(fields: readonly string[], end: boolean, never?: readonly string[]): Stream | undefined {
    if (!this.canOpen) return undefined
    const method = fields[fields.indexOf(':method') + 1] as string
    const stream = new Stream(this.nextId, method, this.receiver.streamWindow, this.peerSettings.initialWindowSize)
    this.streams.set(stream.id, stream)
    try {
      this.sender.head(stream, fields, end, never)
    } catch (error) {
      this.streams.delete(stream.id)
      throw error
    }
    this.nextId += 2
    this.receiver.lastOpened = stream.id
    return stream
  }

  /** Server: sends an interim response's head or the final one's; `never` as in `open`. Nothing for a stream that was reset. */
  sendHead(stream: Stream, fields: readonly string[], end: boolean, never?: readonly string[]): void {
    if (!stream.sending || this.receiver.dead) return
    // An interim response's :status is 1xx, and stands first.
    const interim = fields[0] === ':status' && fields[1]?.charCodeAt(0) === 49
    this.sender.head(stream, fields, end, never)
    if (interim || stream.answered) return
    stream.answered = true
    this.floods.answered()
  }

  /** Sends data, or keeps what the windows do not allow; then the stream is `full`. `data` must not be changed afterwards. */
  sendData(stream: Stream, data: Buffer, end: boolean): void {
    if (stream.sending && !this.receiver.dead) this.sender.data(stream, data, end)
  }

  /** Sends trailers behind all data, and ends the stream's side. Throws an Http2Error for fields that HTTP/2 cannot have. */
  sendTrailers(stream: Stream, fields: readonly string[]): void {
    if (stream.sending && !this.receiver.dead) this.sender.trailers(stream, fields)
  }

  /** Sends RST_STREAM. What waits in the stream is dropped, and what still comes of it is ignored. The handler is not told. */
  reset(stream: Stream, code: number): void {
    if (!this.receiver.dead) this.receiver.reset(stream, code)
  }

  /** The owner has passed on that many bytes of the stream's data. */
  consumed(stream: Stream, bytes: number): void {
    this.receiver.consumed(stream, bytes)
  }

  /** Says GOAWAY. With NO_ERROR streams that are open go on; with another code nothing more is read or sent. */
  goaway(code = NO_ERROR, debug: Buffer = NOTHING): void {
    if (this.receiver.dead) return
    writeGoaway(this.sender.output, this.receiver.lastPeer, code, debug)
    this.receiver.goneAway = true
    if (code !== NO_ERROR) this.receiver.stop()
  }

  /** Sends a PING; `handlePong` tells when the peer has answered. */
  ping(): void {
    if (!this.receiver.dead) writePlain(this.sender.output, PING, 0, PING_DATA)
  }

  /** Time has passed: lowers the counts of what might be floods. For the owner's clock, about every ten seconds. */
  refill(): void {
    this.floods.refill()
  }

  private writePriority({ stream, exclusive, dependency, weight }: Priority): void {
    const frame = Buffer.alloc(14)
    putHeader(frame, 0, 5, PRIORITY, 0, stream)
    frame.writeUInt32BE(dependency + (exclusive ? 0x8000_0000 : 0), 9)
    frame[13] = weight - 1
    this.sender.output.push(frame)
  }
}

function completed(role: Role, settings: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  if (role === 'server') {
    const told = settings.some(([id]) => id === MAX_CONCURRENT_STREAMS)
    return told ? [...settings] : [...settings, [MAX_CONCURRENT_STREAMS, MAX_STREAMS]]
  }
  const list = settings.map((one): readonly [number, number] => (one[0] === ENABLE_PUSH ? [ENABLE_PUSH, 0] : one))
  return list.some(([id]) => id === ENABLE_PUSH) ? list : [...list, [ENABLE_PUSH, 0]]
}
