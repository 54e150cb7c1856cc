// Flows that are saved, written as a HAR, and read again, in every way into midwire: save_stream_file, hardump, rfile, keepserving.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { parseArguments } from '../../src/cli/arguments.js'
import { runUntilEnd } from '../../src/cli/run.js'
import type { HttpRecord } from '../../src/flow/record.js'
import { snapshot } from '../../src/flow/snapshot.js'
import type { AnyFlow, HttpFlow, Midwire } from '../../src/index.js'
import { readFlowFile } from '../../src/store/flow-file.js'
import { type InWay, inEveryWay } from '../support/addon-ways.js'
import { harFaults } from '../support/har-schema.js'
import { startProxy } from '../support/proxy.js'

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-files-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Two requests, one of which has a body; the flows of both are over then, and all that is written of them is in its file. */
async function traffic({ ask, origin, running }: InWay): Promise<HttpFlow[]> {
  origin.reply = ({ path }) =>
    path === '/one?a=b'
      ? { headers: { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] }, body: 'one' }
      : { status: 404, body: Buffer.from([0, 255, 10]) }
  await ask('/one?a=b', { method: 'POST', body: 'word', headers: { 'x-own': '1' } })
  await ask('/two')
  await running.flow('http', 1)
  await running.proxy.close()
  return running.flows.filter((flow) => flow.type === 'http')
}

/** What a flow file has of a flow, in a form that can be compared. */
function shown(flow: HttpFlow | HttpRecord) {
  const { request, response, client, server } = 'live' in flow ? (snapshot(flow) as HttpRecord) : flow
  return {
    asked: [request.method, request.scheme, request.host, request.port, request.path, request.version],
    fields: [request.headers, response?.headers],
    bodies: [request, response].map((one) => one?.body.stored.bytes().toString('latin1')),
    answer: [response?.status, response?.version],
    client: client.remote,
    server: server?.remote,
    tls: [client.tls?.alpn, server?.tls?.version],
  }
}

inEveryWay('save_stream_file has the flows, with all their bytes', {}, async (t, way) => {
  const path = join(folderOf(t), 'a.flow')
  way.running.proxy.options.set({ save_stream_file: path })
  const flows = await traffic(way)
  const saved: HttpRecord[] = []
  for await (const record of readFlowFile(path)) if (record.type === 'http') saved.push(record)
  t.is(saved.length, 2)
  t.deepEqual(saved.map(shown), flows.map(shown))
  t.deepEqual(
    saved.map((one) => shown(one).bodies),
    [
      ['word', 'one'],
      ['', '\x00\xff\n'],
    ],
  )
})

inEveryWay('hardump has an entry for each flow', {}, async (t, way) => {
  const { origin, http } = way
  const path = join(folderOf(t), 'a.har')
  way.running.proxy.options.set({ hardump: path })
  await traffic(way)
  const har = JSON.parse(readFileSync(path, 'utf8'))
  t.deepEqual(harFaults(har), [])
  const [one, two] = har.log.entries
  const httpVersion = http === 1 ? 'HTTP/1.1' : 'HTTP/2.0'
  t.like(one.request, { method: 'POST', url: `${origin.url}/one?a=b`, httpVersion, bodySize: 4 })
  t.is(one.request.postData.text, 'word')
  t.deepEqual(one.request.queryString, [{ name: 'a', value: 'b' }])
  t.like(one.response, { status: 200, httpVersion })
  t.deepEqual(
    one.response.cookies.map(({ name, value }: { name: string; value: string }) => `${name}=${value}`),
    ['a=1', 'b=2'],
  )
  t.is(one.response.content.text, 'one')
  t.like(two.response, { status: 404, httpVersion })
  t.is(Buffer.from(two.response.content.text, two.response.content.encoding).toString('hex'), '00ff0a')
  t.is(one.serverIPAddress, origin.host)
  t.is(har.log.entries.length, 2)
})

inEveryWay(
  'rfile gives the flows to the hooks of addons and to the outputs, as they have passed',
  {},
  async (t, way) => {
    const path = join(folderOf(t), 'a.flow')
    way.running.proxy.options.set({ save_stream_file: path })
    const flows = await traffic(way)
    const asked = way.origin.got.length
    const ran: string[] = []
    const note = (name: string) => (flow: HttpFlow) => void ran.push(`${name} ${flow.request.path} ${flow.live}`)
    const { proxy, flows: read } = await startProxy(t, {
      modes: [way.spec],
      options: { rfile: path },
      addons: [{ request: note('request'), response: note('response') }],
    })
    t.is(await proxy.jobs.finished(), 0)
    t.deepEqual(
      ran,
      ['/one?a=b', '/two'].flatMap((one) => [`request ${one} false`, `response ${one} false`]),
    )
    t.deepEqual(read.filter(isHttp).map(shown), flows.map(shown))
    t.is(way.origin.got.length, asked)
  },
)

const isHttp = (flow: AnyFlow): flow is HttpFlow => flow.type === 'http'

/** The command, in this process: `ended` has its exit code. */
async function command(t: ExecutionContext, spec: string, ...more: string[]) {
  const said: string[] = []
  const stdout = { write: (text: string | Uint8Array) => void said.push(`${text}`) }
  const streams = { stdout, stderr: { write() {} }, env: {} }
  const flags = ['--json', '--confdir', folderOf(t), '--mode', spec, '--set', 'ssl_insecure=true']
  let begun: (proxy: Midwire) => void = () => {}
  const beginning = new Promise<Midwire>((resolve) => {
    begun = resolve
  })
  const beside = async (proxy: Midwire) => {
    begun(proxy)
    return ''
  }
  const ended = runUntilEnd(parseArguments([...flags, ...more]), [], streams, beside)
  const proxy = await beginning
  t.teardown(async () => {
    await proxy.close()
    await ended
  })
  const lines = () =>
    said
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  const paths = () => lines().flatMap(({ type, request }) => (type === 'http' ? [request.path] : []))
  return { proxy, port: proxy.listeners[0]?.port ?? 0, ended, paths }
}

inEveryWay('keepserving: the command serves after it has read a file, and without it ends', {}, async (t, way) => {
  const { ask, spec, origin, running } = way
  const path = join(folderOf(t), 'a.flow')
  running.proxy.options.set({ save_stream_file: path })
  await traffic(way)
  const brief = await command(t, spec, '--rfile', path)
  t.is(await brief.ended, 0)
  t.deepEqual(brief.paths(), ['/one?a=b', '/two'])
  await brief.proxy.closed
  const asked = origin.got.length
  const lasting = await command(t, spec, '--rfile', path, '--keepserving')
  t.is(await lasting.proxy.jobs.finished(), 0)
  t.is(origin.got.length, asked)
  const answer = await ask('/one?a=b', { by: lasting })
  t.is(`${answer.body}`, 'one')
  await lasting.proxy.close()
  t.is(await lasting.ended, 0)
  t.deepEqual(lasting.paths(), ['/one?a=b', '/two', '/one?a=b'])
})
