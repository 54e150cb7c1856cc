// Flow files between midwire and mitmproxy 12: each reads what the other has written, and nothing is lost on the way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FlowRecord, RequestRecord, ResponseRecord } from '../../src/flow/record.js'
import { Midwire, readFlowFile, writeMitmproxyFlow } from '../../src/index.js'
import { chance, randomRecord } from '../support/random-records.js'
import { run } from './support/processes.js'
import { pythonWithMitmproxy } from './support/skip.js'
import { suite } from './support/suite.js'

const script = fileURLToPath(new URL('../../../__test__/e2e/programs/mitmproxy_flows.py', import.meta.url))

/** Runs mitmproxy's side; gives what it prints. */
async function mitmproxy(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(pythonWithMitmproxy, [script, ...args], { timeout: 120_000 })
  if (code !== 0) throw new Error(stderr)
  return stdout.length > 0 ? JSON.parse(stdout.toString()) : undefined
}

const check = suite(['mitmproxy'], async () => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-flows-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
})

async function read(path: string): Promise<FlowRecord[]> {
  const flows: FlowRecord[] = []
  for await (const flow of readFlowFile(path)) flows.push(flow)
  return flows
}

const TITLES = {
  write: 'flows of every type',
  old: 'the versions 18, 19 and 20',
  edit: 'flows that were changed, with what they were before',
}

for (const [what, count] of [
  ['write', 15],
  ['old', 45],
  ['edit', 15],
] as const) {
  check(
    `${TITLES[what]}, written by mitmproxy: midwire writes them again, and mitmproxy sees no difference`,
    async (t, folder) => {
      const [theirs, ours] = [join(folder, `${what}.theirs`), join(folder, `${what}.ours`)]
      await mitmproxy(what, theirs)
      const flows = await read(theirs)
      t.is(flows.length, count)
      writeFileSync(ours, Buffer.concat(flows.map(writeMitmproxyFlow)))
      t.deepEqual(await mitmproxy('compare', theirs, ours), [])
    },
  )
}

type State = Record<string, unknown>

const bytes = (content: Buffer) => ({ bytes: content.toString('base64') })
const latin1 = (text: string) => bytes(Buffer.from(text, 'latin1'))
const fields = (list: readonly string[] | undefined) =>
  list && Array.from({ length: list.length / 2 }, (_, at) => list.slice(2 * at, 2 * at + 2).map(latin1))

const message = ({ headers, trailers, body, startedAt, endedAt }: RequestRecord | ResponseRecord): State => ({
  headers: fields(headers),
  trailers: fields(trailers) ?? null,
  content: body.stored.size === 0 && body.length > 0 ? null : bytes(body.stored.bytes()),
  timestamp_start: startedAt / 1000,
  timestamp_end: endedAt === undefined ? null : endedAt / 1000,
})

/** What mitmproxy has to see of a record. */
function expected(record: FlowRecord): State {
  const { id, type, error, comment, marked, replayed, client, server } = record
  const common = {
    ...{ id, type, comment, marked, is_replay: replayed ?? null },
    error: error ? { msg: error.message, timestamp: error.timestamp / 1000 } : null,
    client: [client.id, client.remote.address, client.remote.port, client.tls?.sni ?? null, client.tls !== undefined],
    server: server ? [server.host, server.port, server.tls?.version ?? null] : null,
    note: record.metadata.note ?? null,
  }
  if (record.type === 'http') {
    const { request, response, websocket } = record
    return {
      ...common,
      request: {
        ...message(request),
        method: latin1(request.method),
        path: latin1(request.path),
        host: request.host,
        port: request.port,
      },
      response: response
        ? { ...message(response), status_code: response.status, reason: latin1(response.reason) }
        : null,
      websocket: websocket
        ? websocket.messages.map((one) => [
            ...[one.kind === 'text' ? 1 : 2, one.fromClient, bytes(one.content), one.timestamp / 1000],
            ...[one.dropped, one.injected],
          ])
        : null,
    }
  }
  if (record.type === 'dns')
    return { ...common, questions: record.request.questions.map((one) => [one.type, one.class]) }
  return {
    ...common,
    messages: record.messages.map((one) => [one.fromClient, bytes(one.content), one.timestamp / 1000]),
  }
}

/** A flow as mitmproxy has read it, as far as it is compared. */
interface Read {
  readonly [name: string]: unknown
  readonly client_conn: { id: string; peername: unknown[]; sni: string | null; tls: boolean }
  readonly server_conn: { address: unknown[] | null; tls_version: string | null }
  readonly metadata: State
  readonly request: State & { questions: { type: number; class_: number }[] }
  readonly response: State | null
  readonly websocket: State | null
}

/** The same of what mitmproxy has read. */
function seen({ client_conn, server_conn, metadata, request, response, websocket, messages, ...state }: Read): State {
  const { id, type, comment, marked, is_replay, error } = state
  const { peername, sni, tls, id: clientId } = client_conn
  const { address, tls_version } = server_conn
  const common = {
    ...{ id, type, comment, marked, is_replay, error },
    client: [clientId, peername[0], peername[1], sni, tls],
    server: address ? [address[0], address[1], tls_version] : null,
    note: metadata.note ?? null,
  }
  const kept = (part: State | null, names: string[]) =>
    part && Object.fromEntries(names.map((name) => [name, part[name]]))
  const names = ['headers', 'trailers', 'content', 'timestamp_start', 'timestamp_end']
  if (type === 'http') {
    return {
      ...common,
      request: kept(request, [...names, 'method', 'path', 'host', 'port']),
      response: kept(response, [...names, 'status_code', 'reason']),
      websocket: websocket ? websocket.messages : null,
    }
  }
  if (type !== 'dns') return { ...common, messages }
  return { ...common, questions: request.questions.map((one) => [one.type, one.class_]) }
}

check('any flow that midwire writes, mitmproxy reads with the same values', async (t, folder) => {
  const records = Array.from({ length: 400 }, (_, seed) => randomRecord(chance(seed + 1000)))
  const file = join(folder, 'random')
  writeFileSync(file, Buffer.concat(records.map(writeMitmproxyFlow)))
  const states = (await mitmproxy('read', file)) as Read[]
  t.is(states.length, records.length)
  for (const [index, state] of states.entries()) {
    t.deepEqual(seen(state), JSON.parse(JSON.stringify(expected(records[index] as FlowRecord))), `flow ${index}`)
  }
})

check('a flow that midwire has changed and written, mitmproxy reads and brings back', async (t, folder) => {
  const [file, back] = [join(folder, 'changed'), join(folder, 'back')]
  const originals = Array.from({ length: 100 }, (_, seed) => randomRecord(chance(seed + 5000)))
  const changed = originals.map((backup) => ({ ...backup, comment: 'changed', marked: ':red_circle:', backup }))
  writeFileSync(file, Buffer.concat(changed.map(writeMitmproxyFlow)))
  await mitmproxy('revert', file, back)
  const plain = join(folder, 'originals')
  writeFileSync(plain, Buffer.concat(originals.map(writeMitmproxyFlow)))
  t.deepEqual(await mitmproxy('compare', back, plain), [])
})

check('a flow that mitmproxy has changed and written, midwire brings back', async (t, folder) => {
  const [changed, original] = [join(folder, 'edited'), join(folder, 'unedited')]
  await mitmproxy('edit', changed)
  await mitmproxy('write', original)
  const proxy = await Midwire.start({
    confdir: join(folder, 'conf'),
    modes: ['regular@0'],
    options: { listen_host: '127.0.0.1', rfile: changed },
  })
  t.teardown(() => proxy.close())
  await proxy.jobs.finished()
  const flows = await read(changed)
  t.is(flows.filter(({ backup }) => backup !== undefined).length, flows.length)
  await proxy.commands.call('flow.revert', '@all')
  const paths = (await read(original)).map((one) => (one.type === 'http' ? one.request.path : one.comment))
  const back = flows.map(({ id }) => proxy.flow(id))
  t.deepEqual(
    back.map((flow) => (flow?.type === 'http' ? flow.request.path : flow?.comment)),
    paths,
  )
})
