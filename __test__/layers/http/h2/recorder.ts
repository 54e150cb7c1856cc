// A session whose events are written down, and two of them with a wire in between.
import type { Http2Error } from '../../../../src/layers/http/h2/error.js'
import { Session, type SessionHandler, type SessionOptions } from '../../../../src/layers/http/h2/session.js'
import type { Stream } from '../../../../src/layers/http/h2/stream.js'

export type Event = [what: string, stream: number, ...details: unknown[]]

/** Writes down what a session tells. Data of one stream that comes in pieces is one event. */
export class Recorder implements SessionHandler {
  readonly events: Event[] = []
  readonly streams = new Map<number, Stream>()
  readonly session: Session
  fatal: Http2Error | undefined
  refused: Http2Error[] = []
  rooms = 0
  goaways = 0
  settings = 0
  /** Called for heads, ends and trailers, where a test wants to answer. */
  onHead: ((stream: Stream, fields: string[], end: boolean) => void) | undefined
  onEnd: ((stream: Stream) => void) | undefined
  onRoom: ((stream: Stream) => void) | undefined
  onData: ((stream: Stream, data: Buffer) => void) | undefined
  /** Data is passed on as it comes. */
  consumes = true

  constructor(role: 'server' | 'client', options: SessionOptions = {}) {
    this.session = new Session(role, options, this)
  }

  handleHead(stream: Stream, fields: string[], end: boolean): void {
    this.streams.set(stream.id, stream)
    this.events.push(['head', stream.id, fields, end])
    this.onHead?.(stream, fields, end)
    if (end) this.onEnd?.(stream)
  }
  handleTrailers(stream: Stream, fields: string[]): void {
    this.events.push(['trailers', stream.id, fields])
    this.onEnd?.(stream)
  }
  handleData(stream: Stream, data: Buffer): void {
    const last = this.events.at(-1)
    if (last?.[0] === 'data' && last[1] === stream.id) last[2] = `${last[2]}${data.toString('latin1')}`
    else this.events.push(['data', stream.id, data.toString('latin1')])
    if (this.consumes) this.session.consumed(stream, data.length)
    this.onData?.(stream, data)
  }
  handleEnd(stream: Stream): void {
    this.events.push(['end', stream.id])
    this.onEnd?.(stream)
  }
  handleReset(stream: Stream, code: number, error?: string): void {
    this.events.push(['reset', stream.id, code, ...(error === undefined ? [] : [error])])
  }
  handleRoom(stream: Stream): void {
    this.rooms++
    this.onRoom?.(stream)
  }
  handleGoaway(lastStream: number, code: number, debug: Buffer): void {
    this.goaways++
    this.events.push(['goaway', lastStream, code, debug.toString('latin1')])
  }
  handleSettings(): void {
    this.settings++
  }
  handlePong(): void {
    this.events.push(['pong', 0])
  }
  handleFatal(error: Http2Error): void {
    this.fatal = error
    this.events.push(['fatal', error.code, error.message])
  }
  handleRefused(error: Http2Error): void {
    this.refused.push(error)
    this.events.push(['refused', error.stream ?? 0, error.code, error.message])
  }
}

/** Passes bytes between two sessions until both have said all. `cut` cuts them into pieces. */
export function exchange(one: Session, other: Session, cut: (data: Buffer) => Buffer[] = (data) => [data]): void {
  for (let turns = 0; (one.hasOutput || other.hasOutput) && turns < 100_000; turns++) {
    const [from, to] = one.hasOutput ? [one, other] : [other, one]
    for (const piece of cut(from.takeOutput() as Buffer)) to.receive(piece)
  }
}
