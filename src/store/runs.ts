// What waits for the disk: runs of flows that lie one behind the other in a slab.
import { seal } from './layout.js'
import type { Slab } from './slab.js'

/** The flows of a slab from one number on, up to another. */
export interface Run {
  readonly slab: Slab
  from: number
  to: number
}

/** The bytes of a flow on disk: its head, and its long bodies. */
export function lengthAt(slab: Slab, index: number): number {
  const beside = slab.besideOf(index)
  const head = slab.endOf(index) - slab.startOf(index)
  return beside ? beside.long.reduce((sum, one) => sum + one.length, head) : head
}

/** Takes flows out of a queue: one, and more of them while those before take less than `room` bytes. */
export function take(queue: Run[], room: number): { batch: Run[]; length: number } {
  const batch: Run[] = []
  let length = 0
  while (queue[0] && (length === 0 || length < room)) {
    const { slab, from, to } = queue[0]
    let index = from
    while (index < to && (length === 0 || length < room)) length += lengthAt(slab, index++)
    batch.push({ slab, from, to: index })
    if (index === to) queue.shift()
    else queue[0].from = index
  }
  return { batch, length }
}

/** The bytes of a batch, with their checksums. Those that lie behind each other in memory are one buffer. */
export function buffersOf(batch: readonly Run[]): Buffer[] {
  const buffers: Buffer[] = []
  for (const { slab, from, to } of batch) {
    let start = slab.startOf(from)
    for (let index = from; index < to; index++) {
      const long = slab.longOf(index)
      seal(slab, slab.startOf(index), slab.endOf(index), long)
      if (long.length === 0) continue
      buffers.push(slab.bytes.subarray(start, slab.endOf(index)), ...long)
      start = slab.endOf(index)
    }
    const end = slab.endOf(to - 1)
    if (start < end) buffers.push(slab.bytes.subarray(start, end))
  }
  return buffers
}
