// The frames that are about the connection, or that say something of a stream without being its content.
import { readPriority } from './blocks.js'
import { codeName, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, Http2Error, PROTOCOL_ERROR, REFUSED_STREAM } from './error.js'
import { MAX_PRIORITIES } from './fingerprint.js'
import { ACK, GOAWAY, PING, PRIORITY, RST_STREAM, SETTINGS, writePlain } from './frames.js'
import type { Receiver } from './receiver.js'

const NOTHING = Buffer.alloc(0)

export class Controls {
  private readonly receiver: Receiver
  /** Our SETTINGS are in force. */
  private acknowledged = false

  constructor(receiver: Receiver) {
    this.receiver = receiver
  }

  handleFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start
    switch (type) {
      case SETTINGS:
        this.handleSettings(flags, id, bytes, start, end)
        break
      case RST_STREAM:
        expectSize(size === 4, 'RST_STREAM', size)
        this.handleReset(id, bytes.readUInt32BE(start))
        break
      case PING:
        expectConnection(id, 'PING')
        expectSize(size === 8, 'PING', size)
        this.handlePing(flags, bytes.subarray(start, end))
        break
      case PRIORITY:
        this.handlePriority(id, bytes, start, end)
        break
      case GOAWAY:
        expectConnection(id, 'GOAWAY')
        expectSize(size >= 8, 'GOAWAY', size)
        this.handleGoaway(bytes, start, end)
        break
      default:
        expectSize(size === 4, 'WINDOW_UPDATE', size)
        this.handleWindowUpdate(id, bytes.readUInt32BE(start) & 0x7fff_ffff)
    }
  }

  private handlePing(flags: number, payload: Buffer): void {
    const { floods, handler, sender } = this.receiver.parts
    floods.chatter()
    if (flags & ACK) {
      handler.handlePong()
      return
    }
    floods.answer()
    writePlain(sender.output, PING, ACK, payload)
  }

  private handleSettings(flags: number, id: number, bytes: Buffer, start: number, end: number) {
    const { own, handler, sender, streams, floods, fingerprint, role } = this.receiver.parts
    expectConnection(id, 'SETTINGS')
    if (flags & ACK) {
      expectSize(end === start, 'the acknowledgement of SETTINGS', end - start)
      floods.chatter()
      if (this.acknowledged) return
      this.acknowledged = true
      this.receiver.heads.allowTable(own.headerTableSize)
      return this.receiver.credit.setStreamWindow(own.initialWindowSize, streams.values())
    }
    expectSize((end - start) % 6 === 0, 'SETTINGS', end - start)
    floods.settings()
    floods.answer()
    const { peerSettings } = sender
    const before = peerSettings.initialWindowSize
    const list: [number, number][] = []
    for (let at = start; at < end; at += 6) {
      const setting: [number, number] = [bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2)]
      peerSettings.apply(setting[0], setting[1], role === 'client')
      list.push(setting)
    }
    if (!fingerprint.begun) fingerprint.begin(list)
    writePlain(sender.output, SETTINGS, ACK, NOTHING)
    sender.handleSettings(streams.values(), before)
    handler.handleSettings()
  }

  private handleWindowUpdate(id: number, bytes: number) {
    const { floods, fingerprint, sender, streams } = this.receiver.parts
    floods.chatter()
    if (id === 0) {
      if (bytes === 0) throw new Http2Error(PROTOCOL_ERROR, 'there is a WINDOW_UPDATE of 0')
      if (!fingerprint.complete && fingerprint.windowUpdate === 0) fingerprint.windowUpdate = bytes
      return sender.handleWindow(bytes)
    }
    this.receiver.expectNotIdle(id, 'WINDOW_UPDATE')
    const stream = streams.get(id)
    if (stream === undefined) return
    if (bytes === 0) return this.receiver.fail(stream, PROTOCOL_ERROR, 'there is a WINDOW_UPDATE of 0')
    if (!sender.handleStreamWindow(stream, bytes))
      this.receiver.fail(stream, FLOW_CONTROL_ERROR, 'the window of the stream overflows')
  }

  private handleReset(id: number, code: number) {
    const { role, floods, handler, streams } = this.receiver.parts
    this.receiver.expectNotIdle(id, 'RST_STREAM')
    const stream = streams.get(id)
    if (stream === undefined) return floods.chatter()
    this.receiver.drop(stream, false)
    handler.handleReset(stream, code)
    if (role === 'server' && !stream.answered) floods.reset()
  }

  private handlePriority(id: number, bytes: Buffer, start: number, end: number) {
    const { floods, fingerprint, streams } = this.receiver.parts
    floods.chatter()
    if (id === 0) throw new Http2Error(PROTOCOL_ERROR, 'there is PRIORITY on stream 0')
    const stream = streams.get(id)
    if (end - start !== 5) {
      const what = `a PRIORITY frame has ${end - start} bytes`
      if (stream === undefined) throw new Http2Error(FRAME_SIZE_ERROR, what)
      return this.receiver.fail(stream, FRAME_SIZE_ERROR, what)
    }
    const priority = readPriority(id, bytes, start)
    if (priority.dependency === id) {
      const what = `stream ${id} depends on itself`
      if (stream === undefined) throw new Http2Error(PROTOCOL_ERROR, what)
      return this.receiver.fail(stream, PROTOCOL_ERROR, what)
    }
    if (!fingerprint.complete && fingerprint.priorities.length < MAX_PRIORITIES) fingerprint.priorities.push(priority)
  }

  private handleGoaway(bytes: Buffer, start: number, end: number): void {
    const last = bytes.readUInt32BE(start) & 0x7fff_ffff
    const code = bytes.readUInt32BE(start + 4)
    const { role, floods, handler, streams } = this.receiver.parts
    floods.chatter()
    this.receiver.goneAway = true
    if (role === 'client') {
      for (const stream of [...streams.values()]) {
        if (stream.id <= last || stream.reset) continue
        this.receiver.drop(stream, true)
        handler.handleReset(
          stream,
          REFUSED_STREAM,
          `the server has said GOAWAY with ${codeName(code)} before the request`,
        )
      }
    }
    handler.handleGoaway(last, code, bytes.subarray(start + 8, end))
  }
}

function expectSize(right: boolean, what: string, size: number): void {
  if (!right) throw new Http2Error(FRAME_SIZE_ERROR, `${what} has ${size} bytes`)
}

function expectConnection(id: number, what: string): void {
  if (id !== 0) throw new Http2Error(PROTOCOL_ERROR, `there is ${what} on stream ${id}`)
}
