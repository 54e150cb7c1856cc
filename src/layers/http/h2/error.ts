// Error codes of HTTP/2 under the RFC's names (RFC 9113, 7), and the error of a connection or stream.

export const NO_ERROR = 0x0
export const PROTOCOL_ERROR = 0x1
export const INTERNAL_ERROR = 0x2
export const FLOW_CONTROL_ERROR = 0x3
export const SETTINGS_TIMEOUT = 0x4
export const STREAM_CLOSED = 0x5
export const FRAME_SIZE_ERROR = 0x6
export const REFUSED_STREAM = 0x7
export const CANCEL = 0x8
export const COMPRESSION_ERROR = 0x9
export const CONNECT_ERROR = 0xa
export const ENHANCE_YOUR_CALM = 0xb
export const INADEQUATE_SECURITY = 0xc
export const HTTP_1_1_REQUIRED = 0xd

const NAMES: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

/** The RFC's name of a code, `0x2a` for one without a name. */
export function codeName(code: number): string {
  return NAMES[code] ?? `0x${code.toString(16)}`
}

/** `message` says for people what was wrong. It may quote bytes of the peer: escape it in HTML. */
export class Http2Error extends Error {
  /** What goes into GOAWAY, or into RST_STREAM. */
  readonly code: number
  /** The stream whose error it is; undefined for an error of the connection. */
  readonly stream: number | undefined

  constructor(code: number, message: string, stream?: number) {
    super(message)
    this.name = 'Http2Error'
    this.code = code
    this.stream = stream
  }
}
