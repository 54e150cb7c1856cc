// Frames as tests write and read them, and a server's session that speaks with bytes alone.
import { PREFACE } from '../../../../src/layers/http/h2/frames.js'
import { HpackDecoder } from '../../../../src/layers/http/h2/hpack-decoder.js'
import type { SessionOptions } from '../../../../src/layers/http/h2/session.js'
import { Recorder } from './recorder.js'

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const header = Buffer.alloc(9)
  header.writeUIntBE(bytes.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, bytes])
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Literals without indexing and without Huffman's code, so that nothing is checked on the way out. */
export function block(fields: readonly string[]): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < fields.length; at += 2) {
    pieces.push(Buffer.from([0]), text(fields[at] as string), text(fields[at + 1] as string))
  }
  return Buffer.concat(pieces)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest > 127; rest >>= 7) length.push(128 | (rest & 127))
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export const REQUEST = [':method', 'POST', ':scheme', 'https', ':authority', 'a.test', ':path', '/']
export const settings = (...list: [number, number][]) =>
  frame(
    4,
    0,
    0,
    Buffer.concat(list.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), number(value)]))),
  )
export const settingsAck = frame(4, 1, 0)
/** HEADERS that are complete. */
export const head = (stream: number, end: boolean, fields: readonly string[] = REQUEST) =>
  frame(1, end ? 5 : 4, stream, block(fields))

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

export function frames(bytes: Buffer): Frame[] {
  const list: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const payload = bytes.subarray(at + 9, at + 9 + length)
    list.push({
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      stream: bytes.readUInt32BE(at + 5),
      payload,
    })
    at += 9 + length
  }
  return list
}

/** A session of one role with a peer that is bytes; its own SETTINGS are taken from the output and acknowledged. */
export class Talk extends Recorder {
  readonly decoder = new HpackDecoder(1_000_000, 10_000)

  constructor(role: 'server' | 'client' = 'server', options: SessionOptions = {}) {
    super(role, options)
    this.session.takeOutput()
    if (role === 'server') this.say(PREFACE)
    this.say(settings(), settingsAck)
    this.session.takeOutput()
  }

  say(...bytes: Buffer[]): void {
    this.session.receive(Buffer.concat(bytes))
  }

  /** The frames that the session has to say, each as a line: what tests compare. */
  said(): string[] {
    return frames(this.session.takeOutput() ?? Buffer.alloc(0)).map(({ type, flags, stream, payload }) => {
      switch (type) {
        case 0:
          return `DATA ${stream} ${payload.length}${flags & 1 ? ' end' : ''}`
        case 1:
          return `HEADERS ${stream} ${this.decoder.decode(payload, 0, payload.length).join(' ')}${flags & 1 ? ' end' : ''}`
        case 3:
          return `RST_STREAM ${stream} ${payload.readUInt32BE()}`
        case 4:
          return flags & 1 ? 'SETTINGS ack' : 'SETTINGS'
        case 6:
          return flags & 1 ? 'PING ack' : 'PING'
        case 7:
          return `GOAWAY ${payload.readUInt32BE()} ${payload.readUInt32BE(4)}`
        case 8:
          return `WINDOW_UPDATE ${stream} ${payload.readUInt32BE()}`
        default:
          return `${type} ${stream}`
      }
    })
  }
}
