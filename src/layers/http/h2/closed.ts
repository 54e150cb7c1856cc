// The streams that were closed last: what still comes of them is ignored, or an error, by how they were closed (RFC 9113, 5.1).

/** How many are remembered. */
export const MAX_CLOSED = 256

export type Closed = 'reset by us' | 'over' | 'unknown'

export class ClosedStreams {
  private readonly ids = new Int32Array(MAX_CLOSED)
  private readonly byUs = new Uint8Array(MAX_CLOSED)
  private next = 0

  add(id: number, byUs: boolean): void {
    this.ids[this.next] = id
    this.byUs[this.next] = byUs ? 1 : 0
    this.next = (this.next + 1) % MAX_CLOSED
  }

  find(id: number): Closed {
    const at = this.ids.lastIndexOf(id)
    if (at < 0) return 'unknown'
    return this.byUs[at] === 1 ? 'reset by us' : 'over'
  }
}
