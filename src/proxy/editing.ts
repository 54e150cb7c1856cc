// What is done to the flows of a proxy from outside: they are changed and brought back, copied, forgotten, written to a file and read from one.
import { randomUUID } from 'node:crypto'
import { Backups } from '../addons/flow-backup.js'
import { version } from '../addons/own-version.js'
import { MidwireError } from '../errors.js'
import { parseFilter } from '../flow/filter.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { revive } from '../flow/revive.js'
import { snapshot } from '../flow/snapshot.js'
import { HAR_END, harEntry, harStart } from '../formats/har-write.js'
import { writeMitmproxyFlow } from '../formats/mitmproxy.js'
import { flowsIn } from '../store/flow-file.js'
import { Recording } from './recording.js'

/** Which flows `proxy.dump()` writes, and as what. */
export interface DumpOptions {
  /** Default: all recorded flows. */
  readonly filter?: string | undefined
  /** Only the flows with these ids, recorded or running, in this order; those that are unknown are left out. Default: no choice by id. */
  readonly ids?: readonly string[] | undefined
  /** `flows`: mitmproxy's flow file. `har`: HAR 1.2, the flows of HTTP alone. Default: `flows`. */
  readonly format?: 'flows' | 'har' | undefined
}

export abstract class Editing extends Recording {
  /** Flows as they were before they were changed. @internal */
  protected readonly backups = new Backups()

  abstract update(flows: readonly AnyFlow[]): void
  /** Runs the hooks of a flow that does not run, and gives it to the outputs. `before`: the flow as it was before it was changed. @internal */
  protected abstract loadFlow(flow: AnyFlow, before?: FlowRecord): Promise<void>

  /**
   * Changes a flow, which runs or is recorded, and keeps it as it was before the first change: command `flow.revert` brings it back. Up to 1,000 flows and
   * 64 MiB are kept so. Where `change` throws, that is thrown, and what it has changed until then stays changed. Throws ERR_ARGUMENT where there is no such flow.
   */
  edit(id: string, change: (flow: AnyFlow) => void): AnyFlow {
    const flow = this.flow(id)
    if (!flow) throw new MidwireError('ERR_ARGUMENT', `there is no flow ${id}`)
    this.backups.keep(flow)
    try {
      change(flow)
    } finally {
      this.update([flow])
    }
    return flow
  }

  /** Whether a flow was changed by `edit` or a command, and can be brought back. */
  isModified(id: string): boolean {
    return this.backups.has({ id })
  }

  /** A flow as files have it, given as outputs see it: with what they may see of it as it was before it was changed. @internal */
  protected recordOf(shown: AnyFlow): FlowRecord {
    const [record, before] = [snapshot(shown), this.backups.of(shown)]
    return before ? { ...record, backup: snapshot(this.shown(revive(before))) } : record
  }

  /** Forgets flows, in memory and on disk. Those that run are ended first, as `flow.kill()` does. */
  remove(flows: readonly AnyFlow[]): void {
    for (const flow of flows) {
      this.forget(flow)
      this.backups.forget(flow.id)
      if (flow.live) flow.kill()
    }
  }

  /** Records copies of flows, with ids of their own; that of a flow that runs is over. */
  duplicate(flows: readonly AnyFlow[]): AnyFlow[] {
    return flows.map((flow) => {
      const record = snapshot(flow)
      const copy = revive({ ...record, id: randomUUID(), endedAt: record.endedAt ?? Date.now() })
      this.recordNew(copy)
      return copy
    })
  }

  /**
   * The bytes of a file with flows, as outputs may see them (option `redact`), a piece for each flow. Throws ERR_FILTER.
   */
  async *dump({ filter, ids, format = 'flows' }: DumpOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    const isHar = format === 'har'
    if (isHar) yield Buffer.from(harStart(version))
    let isFirst = true
    for await (const flow of ids ? this.#chosen(ids, filter) : this.flows({ filter })) {
      const record = this.recordOf(flow)
      if (!isHar) yield writeMitmproxyFlow(record)
      else if (record.type === 'http') {
        yield Buffer.from(`${isFirst ? '' : ',\n'}${JSON.stringify(harEntry(record))}`)
        isFirst = false
      }
    }
    if (isHar) yield Buffer.from(HAR_END)
  }

  /**
   * Reads the flows of a file: mitmproxy's flow file or a HAR, as it is or compressed by gzip or zlib. They run through the hooks of addons and are recorded, as
   * with option `rfile`; one whose id is taken gets another. Fulfilled with the number of flows. Throws ERR_FLOW_FILE for bytes that are none, after the
   * flows before the fault.
   */
  async load(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    let count = 0
    for await (const record of flowsIn(bytes instanceof Uint8Array ? once(bytes) : bytes)) {
      await this.loadFlow(revive(this.flow(record.id) ? { ...record, id: randomUUID() } : record), record.backup)
      count += 1
    }
    return count
  }

  *#chosen(ids: readonly string[], filter: string | undefined): Generator<AnyFlow, void, undefined> {
    const accepts = filter === undefined ? () => true : parseFilter(filter)
    for (const id of ids) {
      const flow = this.flow(id)
      if (flow && accepts(flow)) yield this.shown(flow)
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
