// The store of a proxy: the flows that are over, as they were then; in a folder on disk where there is one, else in memory.
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { revive } from '../flow/revive.js'
import { snapshot } from '../flow/snapshot.js'
import { type Facts, factsOf, idHash, idHead, isWholeId, REMOVED, REPLACES } from './facts.js'
import { type Files, nodeFiles } from './files.js'
import { httpParts } from './http-text.js'
import { HeadWriter } from './layout.js'
import { Kept, Memory } from './memory.js'
import type { Parts } from './parts.js'
import { type BodyInFile, SegmentReader } from './segment.js'
import type { Place, Segments } from './segments.js'
import { type FlowQuery, Places, presentOf, type Recorded, select } from './select.js'
import { takeApart } from './text.js'
import { StoreWriter } from './writer.js'

/** Bytes of flows in one allocation. */
const SLAB = 256 * 1024

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
  readonly #heads = new HeadWriter(SLAB)
  #writer: StoreWriter | undefined
  /** Those of the writer, also once the store is closed. */
  #segments: Segments | undefined
  #counts = { forgotten: 0, unwritten: 0 }
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
      const world = { files: this.#files, now: this.#now, log: this.#log }
      const writer = StoreWriter.open(folder, limit, world)
      if (typeof writer !== 'number') {
        writer.onforgotten = (facts) => {
          if (!this.#memory.find(facts.idHead, facts.idHash)) this.onforgotten?.(facts)
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
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close()
  }

  set memoryLimit(limit: number) {
    this.#memory.limit = limit
  }

  get info(): RecordedInfo {
    const { forgotten, unwritten } = this.#counts
    return {
      flows: (this.#segments?.count ?? 0) + this.#memory.count,
      memory: this.#memory.bytes,
      disk: this.#segments?.bytes ?? 0,
      forgotten: forgotten + this.#memory.forgotten,
      unwritten,
    }
  }

  /** Records a flow that is over, as it is now. */
  record(flow: AnyFlow): void {
    this.#put(flow, false)
  }

  /** Records a flow again that was changed since: its mark, say. */
  update(flow: AnyFlow): void {
    this.#put(flow, true)
  }

  /** Forgets a flow. On disk stands that it is forgotten; its bytes go with its segment. */
  remove(id: string): void {
    const facts = { ...NO_FACTS, idHead: idHead(id), idHash: idHash(id), flags: REPLACES | REMOVED }
    const kept = this.#memory.find(facts.idHead, facts.idHash)
    if (kept) this.#memory.remove(kept)
    const place = this.#segments?.find(facts.idHead, facts.idHash)
    place?.segment.entries.replace(place.index)
    if (!this.#writer || (!kept && !place)) return
    const head = this.#heads.write(facts, { text: '', short: [], long: [] })
    this.#writer.append({ facts, head, long: [], written() {} })
  }

  /** A recorded flow by its id, or the newest whose id begins with these 8 characters or more; undefined for none. */
  flow(id: string): AnyFlow | undefined {
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
    const kept = this.#memory.values()
    const replaced = new Set<string>()
    for (const { before } of kept) if (before) replaced.add(keyOf(before))
    return {
      segments: this.#segments ? presentOf(this.#segments) : [],
      others: kept,
      replaced: (place) => replaced.size > 0 && replaced.has(keyOf(place)),
    }
  }

  /** Forgets all flows, in memory and on disk. */
  clear(): void {
    this.#memory.clear()
    this.#writer?.clear()
  }

  /** Fulfilled when all that was recorded until now is on disk, or could not be. */
  async flush(): Promise<void> {
    await this.#writer?.flush()
  }

  #put(flow: AnyFlow, replaces: boolean): void {
    const writer = this.#writer
    if (!writer && this.#memory.limit === 0) return
    const most = writer?.bodyLimit ?? WHOLE
    const parts = (flow.type === 'http' && httpParts(flow, most)) || takeApart(snapshot(flow), most)
    const facts = factsOf(flow, replaces)
    const head = this.#heads.write(facts, parts)
    const before = replaces ? writer?.segments.find(facts.idHead, facts.idHash) : undefined
    const kept = new Kept(facts, head, parts, before)
    this.#memory.add(kept)
    writer?.append({
      ...{ facts, head, long: parts.long },
      written: (bodies) => {
        if (kept.wasDropped) this.onback?.(flow)
        this.#memory.remove(kept)
        if (bodies.length > 0) letGo(flow, parts, bodies)
      },
    })
  }
}

const NO_FACTS = { createdAt: 0, size: 0, duration: 0, status: 0, method: 0 }

const keyOf = ({ segment, index }: Place) => `${segment.number} ${index}`

/** Long bodies are read from the disk from now on, but for those that were changed since. */
function letGo(flow: AnyFlow, { long }: Parts, handles: readonly BodyInFile[]): void {
  if (flow.type !== 'http') return
  for (const body of [flow.request.body, flow.response?.body]) {
    if (!body || body.stored) continue
    const { content } = body
    const index = long.findIndex((one) => one.buffer === content.buffer && one.byteOffset === content.byteOffset)
    const handle = handles[index]
    if (handle) body.store(handle, body.length)
  }
}
