// Reads the head of a frame (RFC 6455, 5.2), and checks what it may say by itself.
import { CLOSE, WebSocketError } from './error.js'
import { isControl, MAX_CONTROL, OPCODE } from './frame.js'

export interface Dialect {
  /** The sender is the client: its frames are masked, and a server's are not (RFC 6455, 5.1). */
  readonly masked: boolean
  /** permessage-deflate was agreed on: messages may be compressed. */
  readonly deflate: boolean
}

export interface Head {
  readonly fin: boolean
  readonly compressed: boolean
  readonly opcode: number
  /** Bytes of the head. */
  readonly size: number
  /** Bytes of the payload. */
  readonly length: number
}

export const protocolError = (message: string): WebSocketError => new WebSocketError(CLOSE.protocolError, message)

export const tooLong = (): WebSocketError => new WebSocketError(CLOSE.tooBig, 'a message of more than 64 MiB')

/** The head at the beginning of the bytes; undefined until all of it is there. Throws a WebSocketError, by its first two bytes where it can. */
export function readHead(bytes: Buffer, dialect: Dialect): Head | undefined {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return undefined
  const opcode = first & 0x0f
  const fin = (first & 0x80) !== 0
  const short = second & 0x7f
  checkFlags(first, opcode, dialect)
  if (isControl(opcode) && !fin) throw protocolError('a control frame in fragments')
  if (isControl(opcode) && short > MAX_CONTROL) throw protocolError(`a control frame of more than ${MAX_CONTROL} bytes`)
  if (((second & 0x80) !== 0) !== dialect.masked) {
    throw protocolError(dialect.masked ? 'a frame that is not masked' : 'a frame that is masked')
  }
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const size = 2 + extended + (dialect.masked ? 4 : 0)
  if (bytes.length < size) return undefined
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : longLength(bytes)
  return { fin, compressed: (first & 0x40) !== 0, opcode, size, length }
}

/** Reserved bits and opcodes are for extensions (RFC 6455, 5.2); RSV1 of the first frame is that of permessage-deflate (RFC 7692, 6). */
function checkFlags(first: number, opcode: number, { deflate }: Dialect): void {
  const mayCompress = deflate && (opcode === OPCODE.text || opcode === OPCODE.binary)
  if ((first & (mayCompress ? 0x30 : 0x70)) !== 0) throw protocolError('a frame with a reserved bit that is set')
  if (opcode > OPCODE.pong || (opcode > OPCODE.binary && opcode < OPCODE.close)) {
    throw protocolError(`a frame with the reserved opcode ${opcode}`)
  }
}

function longLength(bytes: Buffer): number {
  const high = bytes.readUInt32BE(2)
  if (high >= 0x80_00_00_00) throw protocolError('a frame whose length has its first bit set')
  if (high > 0) throw tooLong()
  return bytes.readUInt32BE(6)
}
