// The payload of Close frames: a code and a reason (RFC 6455, 5.5.1 and 7.4).
import { isUtf8 } from 'node:buffer'
import { CLOSE, WebSocketError } from './error.js'

export interface CloseReason {
  /** 1005 where the frame has none. */
  readonly code: number
  readonly reason: string
}

/** Throws a WebSocketError for a payload that no Close frame may have. */
export function readClose(payload: Buffer): CloseReason {
  if (payload.length === 0) return { code: CLOSE.noStatus, reason: '' }
  if (payload.length === 1) throw new WebSocketError(CLOSE.protocolError, 'a Close frame with half a code')
  const code = payload.readUInt16BE(0)
  if (!maySend(code)) throw new WebSocketError(CLOSE.protocolError, `a Close frame with the code ${code}`)
  const reason = payload.subarray(2)
  if (!isUtf8(reason)) throw new WebSocketError(CLOSE.invalidData, 'a Close frame whose reason is not UTF-8')
  return { code, reason: reason.toString() }
}

/** The codes that a Close frame may have: those of IANA's registry, and those of libraries and applications, 3000 to 4999. */
function maySend(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CLOSE.noStatus && code !== CLOSE.abnormal
}

/** Bytes of a reason: with the code they have to fit into a control frame. */
const MAX_REASON = 123

export function closePayload(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + MAX_REASON)
  payload.writeUInt16BE(code, 0)
  // `write` writes whole characters only.
  return payload.subarray(0, 2 + payload.write(reason, 2))
}
