// Stores in folders of their own, flows to record, and a file system that fails when the test says so.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from '../../src/flow/http.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { type Files, nodeFiles } from '../../src/store/files.js'
import { FlowStore } from '../../src/store/store.js'
import { client, server } from './flows.js'

export function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-store-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The id of the flow with this number, a UUID. */
export const idOf = (number: number) => `${`${number}`.padStart(8, '0')}-0000-4000-8000-000000000000`

export interface Facts {
  path?: string
  method?: string
  status?: number
  createdAt?: number
  duration?: number
  body?: string | Buffer
}

/** A flow with a number, from which its id and its times come. */
export function numbered(number: number, facts: Facts = {}): HttpFlow {
  const { path = `/${number}`, method = 'GET', status = 200, createdAt = 1000 + number, duration = 5 } = facts
  const world = { newId: () => idOf(number), now: () => createdAt, act() {} }
  const parts = { method, path, scheme: 'http', host: 'example.com', port: 80, version: '1.1' } as const
  const limit = Number.MAX_SAFE_INTEGER
  const request = new HttpRequest({ ...parts, headers: new HttpHeaders(['Host', 'example.com']) }, limit, createdAt)
  const flow = new HttpFlow({ world, client, server, now: createdAt }, request)
  flow.response = new HttpResponse({ status, headers: new HttpHeaders() }, limit, createdAt + 1)
  flow.response.body.append(Buffer.from(facts.body ?? `body ${number}`))
  flow.endedAt = createdAt + duration
  return flow
}

export interface Opened {
  readonly store: FlowStore
  readonly lines: string[]
}

/** A store in a folder, which is closed at the end of the test. */
export function opened(
  t: ExecutionContext,
  path: string | undefined,
  options: { memory?: number; disk?: number; files?: Files; now?: () => number } = {},
): Opened {
  const { memory = 1 << 26, disk = 1 << 26, ...rest } = options
  const lines: string[] = []
  const store = new FlowStore({ memory, log: (level, message) => lines.push(`${level}: ${message}`), ...rest })
  if (path !== undefined) store.openDisk(path, disk)
  t.teardown(() => store.closeDisk())
  return { store, lines }
}

/** All flows of a store, by what `pick` takes of each. */
export async function all<T>(flows: AsyncIterable<AnyFlow>, pick: (flow: AnyFlow) => T): Promise<T[]> {
  const found: T[] = []
  for await (const flow of flows) found.push(pick(flow))
  return found
}

export const pathOf = (flow: AnyFlow): string => (flow.type === 'http' ? flow.request.path : flow.type)

/** Node's files, but for writes, which fail with this code while there is one, having written so many bytes. */
export function failing(): Files & { code: string | undefined; before: number } {
  return {
    ...nodeFiles,
    code: undefined,
    before: 0,
    write(descriptor, buffers, position, done) {
      const { code, before } = this
      if (code === undefined) return nodeFiles.write(descriptor, buffers, position, done)
      if (before === 0) return done(Object.assign(new Error(`${code}: no room`), { code }), 0)
      // The disk takes a part first, and fails at the next call.
      this.before = 0
      nodeFiles.write(descriptor, [Buffer.concat(buffers).subarray(0, before)], position, done)
    },
  }
}
