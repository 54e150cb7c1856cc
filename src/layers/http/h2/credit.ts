// What the peer may send: the windows of the connection and its streams, and when they are given back (RFC 9113, 5.2 and 6.9).
import { FLOW_CONTROL_ERROR, Http2Error } from './error.js'
import type { Sender } from './sender.js'
import { DEFAULT_WINDOW } from './settings.js'
import type { Stream } from './stream.js'

/**
 * Data of all streams that the owner has not passed on. Up to here the connection's window is given back as data comes, so that a slow
 * stream, which has a window of its own, does not starve the others; beyond it the connection waits for the owner, too.
 */
export const MAX_UNCONSUMED = 4 * 1024 * 1024

export class Credit {
  /** The window that a stream begins with: ours, once the peer has acknowledged it. */
  streamWindow = DEFAULT_WINDOW
  private readonly sender: Sender
  private readonly whole: number
  private window: number
  /** Bytes that came and were not given back yet. */
  private due = 0
  private unconsumed = 0

  constructor(sender: Sender, whole: number) {
    this.sender = sender
    this.whole = whole
    this.window = whole
  }

  /** The peer has acknowledged our SETTINGS_INITIAL_WINDOW_SIZE. */
  setStreamWindow(size: number, streams: Iterable<Stream>): void {
    for (const stream of streams) stream.receiveWindow += size - this.streamWindow
    this.streamWindow = size
  }

  /** A DATA frame of `length` bytes, padding included. Throws where the connection's window has no room for it. */
  take(length: number): void {
    if (length > this.window)
      throw new Http2Error(FLOW_CONTROL_ERROR, 'there is more DATA than the window of the connection')
    this.window -= length
    this.due += length
  }

  handed(stream: Stream, bytes: number): void {
    stream.unconsumed += bytes
    this.unconsumed += bytes
  }

  /** The owner has passed `bytes` on. */
  consumed(stream: Stream, bytes: number): void {
    const passed = Math.min(bytes, stream.unconsumed)
    stream.unconsumed -= passed
    this.unconsumed -= passed
    this.giveStream(stream, passed)
    this.give()
  }

  /** Nothing of the stream waits any more: it was reset. */
  drop(stream: Stream): void {
    this.unconsumed -= stream.unconsumed
    stream.unconsumed = 0
  }

  /** Gives bytes back to a stream, once half of a window is due. */
  giveStream(stream: Stream, bytes: number): void {
    stream.owed += bytes
    if (!stream.receiving || stream.owed === 0 || 2 * stream.owed < this.streamWindow) return
    this.sender.credit(stream.id, stream.owed)
    stream.receiveWindow += stream.owed
    stream.owed = 0
  }

  /** Gives back to the connection what is due, once it is half of its window. */
  give(): void {
    if (2 * this.due < this.whole || this.unconsumed > MAX_UNCONSUMED) return
    this.sender.credit(0, this.due)
    this.window += this.due
    this.due = 0
  }
}
