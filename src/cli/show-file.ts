// A flow file, mitmproxy's or a HAR, as `midwire show -r FILE` reads it: with the questions that it asks of a store.
import { statSync } from 'node:fs'
import { type AnyFlow, readFlowFile, revive } from '../index.js'
import type { Progress } from './progress.js'

/** What `midwire show` asks of the place that has the flows. */
export interface Source {
  /** The flows of which `filter` is true; with `reverse` the newest first, `limit` of them at most. */
  flows(query: {
    readonly filter: ((flow: AnyFlow) => boolean) | undefined
    readonly limit: number
    readonly reverse: boolean
  }): AsyncIterable<AnyFlow>
  /** A flow by the beginning of its id. */
  flow(id: string): AnyFlow | undefined | Promise<AnyFlow | undefined>
}

export function fileSource(path: string, progress: Progress): Source {
  async function* flows(): AsyncGenerator<AnyFlow> {
    // Nobody knows how much comes from stdin.
    const size = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false })?.size
    const seen = (bytes: number) => {
      progress.part = size ? bytes / size : undefined
    }
    for await (const record of readFlowFile(path, seen)) {
      progress.step()
      yield revive(record)
    }
  }
  return {
    async *flows({ filter, limit, reverse }) {
      let newest: AnyFlow[] = []
      for await (const flow of flows()) {
        if (filter && !filter(flow)) continue
        if (!reverse) yield flow
        else newest.push(flow)
        if (newest.length > limit) newest = newest.slice(newest.length - limit)
      }
      yield* newest.reverse()
    },
    async flow(id) {
      let found: AnyFlow | undefined
      for await (const flow of flows()) if (flow.id.startsWith(id)) found = flow
      return found
    },
  }
}
