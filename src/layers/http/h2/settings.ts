// SETTINGS (RFC 9113, 6.5.2; RFC 8441, 3): their ids, what is in force, and which values are errors.
import { FLOW_CONTROL_ERROR, Http2Error, PROTOCOL_ERROR } from './error.js'

export const HEADER_TABLE_SIZE = 0x1
export const ENABLE_PUSH = 0x2
export const MAX_CONCURRENT_STREAMS = 0x3
export const INITIAL_WINDOW_SIZE = 0x4
export const MAX_FRAME_SIZE = 0x5
export const MAX_HEADER_LIST_SIZE = 0x6
export const ENABLE_CONNECT_PROTOCOL = 0x8

/** The largest flow-control window (RFC 9113, 6.9.1), and any window before SETTINGS. */
export const MAX_WINDOW = 0x7fff_ffff
export const DEFAULT_WINDOW = 65_535
/** The payload that every peer takes (RFC 9113, 6.5.2). */
export const DEFAULT_FRAME_SIZE = 16_384

/** One side's settings in force; what was not sent has the RFC's initial value. Sizes are bytes. */
export class Settings {
  headerTableSize = 4096
  enablePush = true
  maxConcurrentStreams = Number.POSITIVE_INFINITY
  initialWindowSize = DEFAULT_WINDOW
  maxFrameSize = DEFAULT_FRAME_SIZE
  maxHeaderListSize = Number.POSITIVE_INFINITY
  enableConnectProtocol = false

  /** Takes one setting over. Throws for a value that the RFC forbids; `byServer`: the server sent it. Unknown ids are ignored. */
  apply(id: number, value: number, byServer: boolean): void {
    switch (id) {
      case HEADER_TABLE_SIZE:
        this.headerTableSize = value
        break
      case ENABLE_PUSH:
        if (value > (byServer ? 0 : 1)) throw new Http2Error(PROTOCOL_ERROR, `SETTINGS_ENABLE_PUSH is ${value}`)
        this.enablePush = value === 1
        break
      case MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value
        break
      case INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) throw new Http2Error(FLOW_CONTROL_ERROR, `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`)
        this.initialWindowSize = value
        break
      case MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_SIZE || value > 0xff_ffff) {
          throw new Http2Error(PROTOCOL_ERROR, `SETTINGS_MAX_FRAME_SIZE is ${value}`)
        }
        this.maxFrameSize = value
        break
      case MAX_HEADER_LIST_SIZE:
        this.maxHeaderListSize = value
        break
      case ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (value === 0 && this.enableConnectProtocol)) {
          throw new Http2Error(PROTOCOL_ERROR, `SETTINGS_ENABLE_CONNECT_PROTOCOL is ${value}`)
        }
        this.enableConnectProtocol = value === 1
        break
      default:
    }
  }
}
