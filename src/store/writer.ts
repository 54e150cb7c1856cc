// Writes flows to the segments of a store: what has come in a tenth of a second in one write, with a bound on what waits and on the disk.
import { mkdirSync } from 'node:fs'
import { FLAGS } from './entries.js'
import type { Facts } from './facts.js'
import type { Files } from './files.js'
import { factsIn, HEADER } from './layout.js'
import { Lock } from './lock.js'
import { buffersOf, lengthAt, type Run, take } from './runs.js'
import { type BodyInFile, bodiesIn, Segment } from './segment.js'
import { type Place, Segments } from './segments.js'
import type { Slab } from './slab.js'

/** Bytes of flows that wait to be written. Beyond them flows are not written, and counted. */
const MAX_WAITING = 64 * 1024 * 1024
/** Flows are written together, because each write costs a turn of a thread: what has come in so many milliseconds, or so many bytes. */
const GATHER = 100
const GATHERED = 1024 * 1024
/** The length of a segment; and the part of the store that a segment is at most, so that little goes with the oldest. */
const SEGMENT = 32 * 1024 * 1024
const SEGMENTS = 16
/** The most flows in a store, for each takes 56 bytes of memory. Beyond them the oldest segment goes. */
const MAX_FLOWS = 1_000_000
/** The most bytes of a body, for places in a segment are numbers of 32 bits. */
const MAX_BODY = 512 * 1024 * 1024
/** Milliseconds after an error until the disk is tried again. */
const RETRY = 5_000

export interface WriterWorld {
  readonly files: Files
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  log(level: 'warn' | 'info', message: string): void
  /** A flow of a slab has been taken, and waits until it is settled. */
  taken(slab: Slab, index: number): void
  /** It is on disk, with handles of its long bodies; undefined where it could not be written. */
  settled(slab: Slab, index: number, bodies: readonly BodyInFile[] | undefined): void
}

export class StoreWriter {
  readonly segments: Segments
  /** Flows that were not written: the disk was full or too slow. */
  unwritten = 0
  /** Flows that went with the oldest segments. */
  forgotten = 0
  /** Called with each of them. */
  onforgotten: ((facts: Facts) => void) | undefined
  readonly #world: WriterWorld
  readonly #lock: Lock
  readonly #limit: number
  #queue: Run[] = []
  #waiting = 0
  #number: number
  #descriptor: number | undefined
  /** A call of the file system is under way. */
  #busy = false
  #gathering: NodeJS.Timeout | undefined
  #failedAt: number | undefined
  #isSlow = false
  #onIdle: (() => void)[] = []

  private constructor(segments: Segments, lock: Lock, limit: number, world: WriterWorld) {
    this.segments = segments
    this.#lock = lock
    this.#limit = limit
    this.#world = world
    this.#number = segments.all.at(-1)?.number ?? 0
  }

  /**
   * Opens the store in a folder, which is made where there is none; `limit` is in bytes. The id of the process that writes there where another does
   * (0: it is not known). Throws where the folder cannot be read and written.
   */
  static open(folder: string, limit: number, world: WriterWorld): StoreWriter | number {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const lock = Lock.take(folder)
    if (typeof lock === 'number') return lock
    try {
      const segments = new Segments(folder)
      segments.refresh()
      return new StoreWriter(segments, lock, limit, world)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** The most bytes of a body that are written. */
  get bodyLimit(): number {
    return Math.min(MAX_BODY, Math.floor(this.#limit / (2 * SEGMENTS)))
  }

  /** Takes a flow. It is not written where too much waits, or the disk has failed a moment ago; that is counted. */
  append(slab: Slab, index: number): void {
    const { now, log } = this.#world
    if (this.#failedAt !== undefined && now() - this.#failedAt < RETRY) {
      this.unwritten += 1
      return
    }
    if (this.#waiting > MAX_WAITING) {
      this.unwritten += 1
      if (!this.#isSlow) log('warn', 'the disk is too slow for all flows: some are recorded in memory only')
      this.#isSlow = true
      return
    }
    const last = this.#queue.at(-1)
    if (last?.slab === slab && last.to === index) last.to += 1
    else this.#queue.push({ slab, from: index, to: index + 1 })
    this.#waiting += lengthAt(slab, index)
    this.#world.taken(slab, index)
    this.#schedule()
  }

  /** Writes what waits, now or a little later, so that more comes until then. */
  #schedule(): void {
    if (this.#busy) return
    const isUrgent = this.#waiting >= GATHERED || this.#onIdle.length > 0 || this.#queue.length === 0
    if (isUrgent) {
      clearTimeout(this.#gathering)
      this.#gathering = undefined
      this.#work()
    } else this.#gathering ??= setTimeout(() => this.#work(), GATHER)
  }

  /** Removes all flows. */
  clear(): void {
    this.#giveUpQueue()
    for (const segment of this.segments.all) this.#remove(segment)
    this.segments.all = []
    if (!this.#busy) this.#closeSegment()
  }

  /** Fulfilled when all that waits has been written, or could not be. */
  flush(): Promise<void> {
    if (!this.#busy && this.#queue.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle.push(resolve)
      this.#schedule()
    })
  }

  /** Writes what waits, and lets go of the store. */
  async close(): Promise<void> {
    await this.flush()
    const last = this.segments.all.at(-1)
    if (last) await new Promise<void>((done) => this.#world.files.replace(last.indexPath, last.index, () => done()))
    this.#closeSegment()
    this.#lock.release()
  }

  #work(): void {
    this.#gathering = undefined
    if (this.#busy) return
    if (this.#queue.length === 0) {
      this.#isSlow = false
      for (const idle of this.#onIdle.splice(0)) idle()
      return
    }
    const last = this.segments.all.at(-1)
    this.#busy = true
    if (this.#descriptor === undefined) this.#openSegment(last)
    else if (!last || this.#isFull(last)) {
      this.#closeSegment(last)
      this.#openSegment(undefined)
    } else this.#write(last, this.#descriptor)
  }

  #isFull({ length }: Segment): boolean {
    return length >= Math.min(SEGMENT, this.#limit / SEGMENTS)
  }

  /** Opens the last segment, to go on in it, or a new one. */
  #openSegment(last: Segment | undefined): void {
    const { files } = this.#world
    const isNew = last === undefined || this.#isFull(last)
    const segment = isNew ? new Segment(this.segments.folder, this.#number + 1) : last
    files.open(segment.path, isNew ? 'wx' : 'r+', 0o600, (error, descriptor) => {
      if (error) return this.#done(error)
      this.#descriptor = descriptor
      if (isNew) this.segments.all.push(segment)
      this.#number = segment.number
      // What stands behind the last whole flow is the beginning of one that a killed process could not write to its end.
      files.truncate(descriptor, segment.length, (failure) => this.#done(failure))
    })
  }

  /** Closes the segment that is written to, whose index is complete now. */
  #closeSegment(segment?: Segment): void {
    const { files } = this.#world
    if (this.#descriptor === undefined) return
    files.close(this.#descriptor, () => {})
    this.#descriptor = undefined
    if (segment) files.replace(segment.indexPath, segment.index, () => {})
  }

  /** Writes flows, up to the end of the segment. */
  #write(segment: Segment, descriptor: number): void {
    const { batch, length } = take(this.#queue, Math.min(SEGMENT, this.#limit / SEGMENTS) - segment.length)
    this.#makeRoom(length)
    writeAll(this.#world.files, descriptor, buffersOf(batch), segment.length, (error, written) => {
      this.#waiting -= length
      this.#enter(batch, segment, written)
      if (error) this.#world.files.truncate(descriptor, segment.length, () => this.#done(error))
      else {
        this.#recovered()
        this.#done(null)
      }
    })
  }

  /** Puts the flows of a batch into the index as far as they were written. */
  #enter(batch: readonly Run[], segment: Segment, written: number): void {
    let end = 0
    // A segment that was removed while it was written to has taken its flows with it.
    const isThere = this.segments.all.includes(segment)
    for (const { slab, from, to } of batch) {
      for (let index = from; index < to; index++) {
        end += lengthAt(slab, index)
        if (isThere && end <= written) this.#enterOne(slab, index, segment)
        else {
          if (isThere) this.unwritten += 1
          this.#world.settled(slab, index, undefined)
        }
      }
    }
  }

  #enterOne(slab: Slab, index: number, segment: Segment): void {
    const start = slab.startOf(index)
    const older = this.#olderOf(slab, start)
    const offset = segment.length
    segment.entries.add(slab.view, start + HEADER, offset, slab.endOf(index) - start)
    older?.segment.entries.replace(older.index)
    segment.length += lengthAt(slab, index)
    this.#world.settled(slab, index, slab.besideOf(index) ? bodiesIn(segment, offset, slab.head(index)) : NO_BODIES)
  }

  /** The record in whose place the one is that begins there. */
  #olderOf({ bytes, view }: Slab, start: number): Place | undefined {
    if (view.getUint32(start + HEADER + FLAGS, true) === 0) return undefined
    const { idHead, idHash } = factsIn(bytes, start)
    return this.segments.find(idHead, idHash)
  }

  #done(error: NodeJS.ErrnoException | null): void {
    const { log, now } = this.#world
    this.#busy = false
    if (error) {
      if (this.#failedAt === undefined) {
        log('warn', `flows are recorded in memory only until the disk can be written to again: ${error.message}`)
      }
      this.#failedAt = now()
      this.#giveUpQueue()
    }
    // The store was cleared in the meantime.
    if (this.segments.all.length === 0) this.#closeSegment()
    this.#schedule()
  }

  #recovered(): void {
    if (this.#failedAt === undefined) return
    this.#failedAt = undefined
    this.#world.log('info', `flows are recorded on disk again; ${this.unwritten} were not`)
  }

  #giveUpQueue(): void {
    for (const { slab, from, to } of this.#queue.splice(0)) {
      this.unwritten += to - from
      for (let index = from; index < to; index++) {
        this.#waiting -= lengthAt(slab, index)
        this.#world.settled(slab, index, undefined)
      }
    }
  }

  /** Removes the oldest segments until there is room for so many bytes. */
  #makeRoom(length: number): void {
    const { segments } = this
    while (segments.all.length > 1 && (segments.bytes + length > this.#limit || segments.count > MAX_FLOWS)) {
      const [oldest] = segments.all.splice(0, 1)
      if (!oldest) return
      this.forgotten += oldest.entries.count
      this.#remove(oldest)
      const { entries } = oldest
      for (let index = 0; this.onforgotten && index < entries.count; index++) {
        if (!entries.isReplaced(index)) this.onforgotten(entries.get(index))
      }
    }
  }

  #remove(segment: Segment): void {
    this.#world.files.remove(segment.path, () => {})
    this.#world.files.remove(segment.indexPath, () => {})
  }
}

const NO_BODIES: readonly BodyInFile[] = []

/** Writes all of the buffers, in as many calls as it takes. `done` gets the count of bytes that were written, also after an error. */
function writeAll(
  files: Files,
  descriptor: number,
  buffers: readonly Buffer[],
  position: number,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
  before = 0,
): void {
  files.write(descriptor, buffers, position, (error, count) => {
    const written = before + (error ? 0 : count)
    const rest = error ? [] : behind(buffers, count)
    if (error || rest.length === 0) done(error, written)
    else if (count === 0) done(new Error('the disk takes nothing'), written)
    else writeAll(files, descriptor, rest, position + count, done, written)
  })
}

/** What is left of buffers behind their first bytes. */
function behind(buffers: readonly Buffer[], count: number): Buffer[] {
  const rest: Buffer[] = []
  let skip = count
  for (const one of buffers) {
    if (skip < one.length) rest.push(skip === 0 ? one : one.subarray(skip))
    skip = Math.max(0, skip - one.length)
  }
  return rest
}
