// Counts what costs us work and a peer nothing. There is no clock: what is useful lowers the counts, and so does `refill` of the owner.
import { ENHANCE_YOUR_CALM, Http2Error } from './error.js'

/** Streams that the peer has reset before an answer, or that we have reset for its errors, less the ones that were answered. */
export const MAX_RESETS = 200
/** PING, PRIORITY, WINDOW_UPDATE, frames of closed streams and of unknown types, less what heads and DATA make up for. */
export const MAX_CHATTER = 1_000
/** SETTINGS frames, less one for each head. */
export const MAX_SETTINGS_FRAMES = 100
/** DATA frames without data that end nothing, less the ones with data. */
export const MAX_EMPTY_DATA = 100
/** CONTINUATION frames of one block. */
export const MAX_CONTINUATIONS = 64
/** Answers to PING and SETTINGS, RST_STREAM and WINDOW_UPDATE frames that wait to be taken. */
export const MAX_ANSWERS = 1_000
/** What one head makes up for, in frames that are chatter. */
const HEAD_WORTH = 16

export class Floods {
  private resets = 0
  private chatters = 0
  private settingsFrames = 0
  private empties = 0
  private answers = 0

  /** A stream was of no use: the peer reset it before an answer, or we had to. */
  reset(): void {
    if (++this.resets > MAX_RESETS) throw calm(`more than ${MAX_RESETS} streams were reset before they were answered`)
  }

  /** A frame that does nothing by itself. */
  chatter(): void {
    if (++this.chatters > MAX_CHATTER) {
      throw calm(
        `more than ${MAX_CHATTER} PING, PRIORITY, WINDOW_UPDATE and other frames came without requests or data`,
      )
    }
  }

  settings(): void {
    if (++this.settingsFrames > MAX_SETTINGS_FRAMES) throw calm(`there are more than ${MAX_SETTINGS_FRAMES} SETTINGS`)
  }

  emptyData(): void {
    if (++this.empties > MAX_EMPTY_DATA) throw calm(`more than ${MAX_EMPTY_DATA} DATA frames had no data`)
  }

  /** The peer made us answer. */
  answer(): void {
    if (++this.answers > MAX_ANSWERS) throw calm(`more than ${MAX_ANSWERS} answers wait because the peer reads none`)
  }

  /** The output was taken: the peer reads. */
  taken(): void {
    this.answers = 0
  }

  /** A request was answered. */
  answered(): void {
    if (this.resets > 0) this.resets--
  }

  /** A head came that opens a stream or ends one. */
  head(): void {
    if (this.chatters > 0) this.chatters = Math.max(0, this.chatters - HEAD_WORTH)
    if (this.settingsFrames > 0) this.settingsFrames--
  }

  /** DATA came. */
  data(): void {
    if (this.empties > 0) this.empties--
    if (this.chatters > 0) this.chatters--
  }

  /** DATA of `length` bytes was sent, which WINDOW_UPDATE may answer twice. */
  sent(length: number): void {
    if (this.chatters > 0) this.chatters = Math.max(0, this.chatters - 2 - (length >> 8))
  }

  /** Time has passed: a peer with nothing to say but a PING now and then is no flood. */
  refill(): void {
    this.chatters = 0
    this.settingsFrames = 0
    this.empties = 0
    this.resets = 0
  }
}

function calm(message: string): Http2Error {
  return new Http2Error(ENHANCE_YOUR_CALM, message)
}
