// The store of a proxy: the flows that are over, as they were then; in a folder on disk where there is one, else in memory.
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { revive } from '../flow/revive.js'
import { snapshot } from '../flow/snapshot.js'
import { type Facts, factsOf, idHash, idHead, isWholeId, REMOVED, REPLACES } from './facts.js'
import { type Files, nodeFiles } from './files.js'
import { httpParts } from './http-text.js'
import { Kept } from './kept.js'
import { roomFor, writeHead } from './layout.js'
import { Memory } from './memory.js'
import type { Parts } from './parts.js'
import { Places, presentOf, type Recorded } from './places.js'
import { type BodyInFile, SegmentReader } from './segment.js'
import type { Segments } from './segments.js'
import { type FlowQuery, select } from './select.js'
import { DROPPED, type Slab, WAITING } from './slab.js'
import { takeApart } from './text.js'
import { StoreWriter, type WriterWorld } from './writer.js'

/** The most bytes of a body that are kept in memory alone: all of them. */
const WHOLE = Number.MAX_SAFE_INTEGER

/** What a store holds. */
export interface RecordedInfo {
  /** Recorded flows, on disk and in memory. */
  readonly flows: number
  /** Bytes of those that are in memory: all, or those that are not on disk yet, or could not be written. */
  readonly memory: number
  /** Bytes of the files; 0 where nothing is recorded on disk. */
  readonly disk: number
  /** Flows that were dropped because there was no more room, the oldest first. */
  readonly forgotten: number
  /** Flows that were not written to disk although they should have been: it was full, has failed, or was too slow. */
  readonly unwritten: number
}

export interface StoreOptions {
  /** Bytes of flows in memory. */
  readonly memory: number
  readonly log: (level: 'warn' | 'info', message: string) => void
  /** Default: Node's. */
  readonly files?: Files
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number
}

export class FlowStore {
  readonly #memory: Memory
  readonly #log: StoreOptions['log']
  readonly #files: Files
  readonly #now: () => number
  #writer: StoreWriter | undefined
  /** Those of the writer, also once the store is closed. */
  #segments: Segments | undefined
  #counts = { forgotten: 0, unwritten: 0 }
  /** Flows that are over since the last turn of the event loop. */
  #fresh: AnyFlow[] = []
  /** Called with the facts of each flow that is dropped because there is no more room. */
  onforgotten: ((facts: Facts) => void) | undefined
  /** Called with a flow that was dropped while it waited for the disk, and is there all the same. */
  onback: ((flow: AnyFlow) => void) | undefined

  constructor({ memory, log, files = nodeFiles, now = () => performance.now() }: StoreOptions) {
    this.#memory = new Memory(memory, (facts) => this.onforgotten?.(facts))
    this.#log = log
    this.#files = files
    this.#now = now
  }

  /** From now on flows are recorded in a folder, in `limit` bytes at most. Where that cannot be, the log says so. */
  openDisk(folder: string, limit: number): void {
    try {
      const world: WriterWorld = {
        ...{ files: this.#files, now: this.#now, log: this.#log },
        taken: (slab, index) => this.#memory.wait(slab, index),
        settled: (slab, index, bodies) => this.#settled(slab, index, bodies),
      }
      const writer = StoreWriter.open(folder, limit, world)
      if (typeof writer !== 'number') {
        writer.onforgotten = (facts) => {
          if (this.onforgotten && !this.#memory.has(facts)) this.onforgotten(facts)
        }
        this.#writer = writer
        this.#segments = writer.segments
        this.#counts = writer
      } else {
        const owner = writer === 0 ? 'another process' : `process ${writer}`
        this.#log('warn', `${owner} records its flows in ${folder}: those of this one are kept in memory only`)
      }
    } catch (error) {
      this.#log('warn', `flows are kept in memory only: ${(error as Error).message}`)
    }
  }

  /** Fulfilled when all flows are on disk; those that end later are kept in memory. */
  async closeDisk(): Promise<void> {
    this.catchUp()
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close()
  }

  set memoryLimit(limit: number) {
    this.catchUp()
    this.#memory.limit = limit
  }

  get info(): RecordedInfo {
    this.catchUp()
    const { forgotten, unwritten } = this.#counts
    return {
      flows: (this.#segments?.count ?? 0) + this.#memory.count,
      memory: this.#memory.bytes,
      disk: this.#segments?.bytes ?? 0,
      forgotten: forgotten + this.#memory.forgotten,
      unwritten,
    }
  }

  /**
   * Records a flow that is over, as it is at the end of this turn of the event loop, or when the store is read before. The flows of a turn
   * are written one after the other, because the first costs as much as the next three: its code has to come into the processor's caches.
   */
  record(flow: AnyFlow): void {
    if (!this.records) return
    if (this.#fresh.push(flow) === 1) setImmediate(() => this.catchUp())
  }

  /** Takes the flows that are over since the last turn. */
  catchUp(): void {
    if (this.#fresh.length === 0) return
    for (const flow of this.#fresh.splice(0)) {
      try {
        this.#put(flow, false)
      } catch (error) {
        this.#log('warn', `flow ${flow.id} is not recorded: ${(error as Error).message}`)
      }
    }
  }

  /** Records a flow again that was changed since: its mark, say. */
  update(flow: AnyFlow): void {
    this.catchUp()
    if (this.records) this.#put(flow, true)
  }

  /** Forgets a flow. On disk stands that it is forgotten; its bytes go with its segment. */
  remove(id: string): void {
    this.catchUp()
    const facts = { ...NO_FACTS, idHead: idHead(id), idHash: idHash(id), flags: REPLACES | REMOVED }
    const wasHere = this.#memory.remove(facts)
    const place = this.#segments?.find(facts.idHead, facts.idHash)
    place?.segment.entries.replace(place.index)
    if (!this.#writer || !(wasHere || place)) return
    const { slab, end } = this.#write(facts, NO_PARTS)
    this.#writer.append(slab, this.#memory.addNote(slab, end, facts))
  }

  /** A recorded flow by its id, or the newest whose id begins with these 8 characters or more; undefined for none. */
  flow(id: string): AnyFlow | undefined {
    this.catchUp()
    const head = idHead(id)
    const hash = isWholeId(id) ? idHash(id) : undefined
    const record = this.#memory.find(head, hash)?.record ?? this.#onDisk(head, hash)
    return record?.id.startsWith(id) ? revive(record) : undefined
  }

  #onDisk(head: number, hash: number | undefined): FlowRecord | undefined {
    const place = this.#segments?.find(head, hash)
    if (!place) return undefined
    const reader = new SegmentReader()
    try {
      return reader.read(place.segment, place.index)
    } finally {
      reader.close()
    }
  }

  /** The flows that are recorded now, as the query says. Throws ERR_FILTER, and a RangeError for a wrong order. */
  select(query: FlowQuery = {}): AsyncGenerator<AnyFlow, undefined> {
    return select(this.#recorded(), query)
  }

  /** The flows that are recorded now, by numbers in the order in which they were recorded. It is to be closed. */
  places(): Places {
    return new Places(this.#recorded())
  }

  /** Whether flows are recorded at all. */
  get records(): boolean {
    return this.#writer !== undefined || this.#memory.limit > 0
  }

  #recorded(): Recorded {
    this.catchUp()
    return {
      segments: this.#segments ? presentOf(this.#segments) : [],
      others: this.#memory.runs(),
      replaced: this.#memory.placesBefore,
    }
  }

  /** Forgets all flows, in memory and on disk. */
  clear(): void {
    this.#fresh = []
    this.#memory.clear()
    this.#writer?.clear()
  }

  /** Fulfilled when all that was recorded until now is on disk, or could not be. */
  async flush(): Promise<void> {
    this.catchUp()
    await this.#writer?.flush()
  }

  #put(flow: AnyFlow, replaces: boolean): void {
    const writer = this.#writer
    const most = writer?.bodyLimit ?? WHOLE
    const facts = factsOf(flow, replaces)
    if (replaces) this.#memory.remove(facts)
    const usual = flow.type === 'http' ? httpParts(flow, most) : undefined
    const parts = usual ?? takeApart(snapshot(flow), most)
    const { slab, end } = this.#write(facts, parts)
    const before = replaces ? writer?.segments.find(facts.idHead, facts.idHash) : undefined
    const { long } = parts
    const letsGo = writer !== undefined && long.length > 0 && flow.type === 'http'
    const beside = before || long.length > 0 ? { before, long, flow: letsGo ? flow : undefined } : undefined
    const index = this.#memory.add(slab, end, facts, beside)
    writer?.append(slab, index)
    if (beside && !isWaiting(slab, index)) beside.flow = undefined
    this.#memory.bound()
  }

  #write(facts: Facts, parts: Parts): { slab: Slab; end: number } {
    const slab = this.#memory.room(roomFor(parts))
    return { slab, end: writeHead(slab, slab.used, facts, parts) }
  }

  /** A flow is on disk, or could not be written. */
  #settled(slab: Slab, index: number, bodies: readonly BodyInFile[] | undefined): void {
    const beside = slab.besideOf(index)
    const flow = beside?.flow
    if (beside) beside.flow = undefined
    if (flow && bodies) letGo(flow, beside.long, bodies)
    const kept = this.onback && wasDropped(slab, index) ? new Kept(slab, index) : undefined
    if (this.#memory.settle(slab, index, bodies !== undefined) && kept) this.onback?.(revive(kept.record))
  }
}

const NO_FACTS = { createdAt: 0, size: 0, duration: 0, status: 0, method: 0 }

const NO_PARTS: Parts = { text: { text: '', numbers: undefined }, short: [], long: [] }

const isWaiting = (slab: Slab, index: number) => (slab.state(index) & WAITING) !== 0

const wasDropped = (slab: Slab, index: number) => (slab.state(index) & DROPPED) !== 0

/** Long bodies are read from the disk from now on, but for those that were changed since. */
function letGo(flow: HttpFlow, long: readonly Buffer[], handles: readonly BodyInFile[]): void {
  for (const body of [flow.request.body, flow.response?.body]) {
    if (!body || body.stored) continue
    const { content } = body
    const index = long.findIndex((one) => one.buffer === content.buffer && one.byteOffset === content.byteOffset)
    const handle = handles[index]
    if (handle) body.store(handle, body.length)
  }
}
