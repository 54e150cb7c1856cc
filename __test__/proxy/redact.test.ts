// `redact` with real traffic: no output has the secret, while the server, the client and the user's addons have it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../src/flow/http.js'
import { TcpFlow } from '../../src/flow/messages.js'
import { RedactedView } from '../../src/flow/redacted-view.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { StreamMessage } from '../../src/flow/stream-message.js'
import { StreamMessages } from '../../src/flow/stream-messages.js'
import { WebSocketData, WebSocketMessage } from '../../src/flow/websocket.js'
import { type AnyFlow, jsonSink, type Sink, terminalSink } from '../../src/index.js'
import { inEveryWay, type Origin } from '../support/addon-ways.js'
import { httpFlow } from '../support/flows.js'
import { startProxy } from '../support/proxy.js'

const SECRET = 'hunter2'

/** What the outputs of a test have written, and what the addon has seen. */
interface Seen {
  readonly written: string[]
  readonly byAddon: string[]
}

const seen = new WeakMap<Origin, Seen>()

/** A record with all of its bytes, compressed or not. */
function everything(flow: AnyFlow): string {
  const record = snapshot(flow)
  const bodies = flow.type === 'http' ? [flow.request, flow.response].map((one) => one?.decodedContent.toString()) : []
  const stored = record.type === 'http' ? [record.request, record.response].map((one) => one?.body.stored.bytes()) : []
  const plain = (key: string, value: unknown) =>
    key === 'content' ? Buffer.from(value as Buffer).toString('latin1') : value
  return JSON.stringify([JSON.parse(JSON.stringify(record)), bodies, stored.map(String)], plain)
}

/** An output that keeps all that can be read of flows. */
const keeping = (written: string[]): Sink => {
  const keep = (flow: AnyFlow) => void written.push(everything(flow))
  return { name: 'keeping', begun: keep, changed: keep, flow: keep, log: ({ message }) => void written.push(message) }
}

inEveryWay(
  'redact: headers, JSON fields and parameters reach no output',
  (origin) => {
    const [written, byAddon]: string[][] = [[], []]
    seen.set(origin, { written, byAddon } as Seen)
    const output = { write: (text: string) => (written as string[]).push(text) }
    const json = jsonSink(output, { json_progress: true })
    json.ready({ listeners: [], peers: [] })
    return {
      options: { redact: 'authorization, set-cookie, $..password, ?token', map_local: '|nothing|/tmp' },
      sinks: [terminalSink(output, { flow_detail: 4 }), json, keeping(written as string[])],
      addons: [
        {
          request({ request }) {
            byAddon?.push(request.url, request.text, request.headers.get('authorization') ?? '')
          },
          response({ response }) {
            byAddon?.push(response?.text ?? '', response?.headers.get('set-cookie') ?? '')
          },
        },
      ],
    }
  },
  async (t, { ask, origin, running, name }) => {
    const zipped = gzipSync(`[{"password":"${SECRET}","user":"me"}]`)
    origin.reply = () => ({
      headers: {
        'set-cookie': `session=${SECRET}`,
        'content-encoding': 'gzip',
        'content-type': 'application/json',
        location: `/next?token=${SECRET}`,
      },
      body: zipped,
    })
    const asked = {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json', 'x-plain': 'shown' },
      body: `{"user":"me","password":"${SECRET}"}`,
    }
    const answer = await ask(`/path/nothing?token=${SECRET}&x=1`, asked)
    t.is(answer.status, 404, 'an addon has the URL as it is, and its line in the log has not')
    const passed = await ask(`/path?token=${SECRET}&x=1`, asked)
    t.deepEqual(passed.body, zipped)
    t.is(passed.headers.location, `/next?token=${SECRET}`)
    t.is(origin.got[0]?.path, `/path?token=${SECRET}&x=1`)
    t.is(`${origin.got[0]?.body}`, asked.body)
    t.is(origin.got[0]?.headers.authorization, `Bearer ${SECRET}`)
    await running.flow('http', 1)
    await running.proxy.close()
    const { written, byAddon } = seen.get(origin) as Seen
    t.is(byAddon.filter((text) => text.includes(SECRET)).length, 5, byAddon.join('\n'))
    t.false(written.join('\n').includes(SECRET), name)
    const [terminal, json] = [/POST .*\?token=REDACTED&x=1/, /"url":"[^"]*\?token=REDACTED&x=1"/]
    for (const sign of [terminal, json, /x-plain/i, /shown/, /"user":\s*"me"/, /there is no file for .*REDACTED/]) {
      t.regex(written.join('\n'), sign)
    }
    const flow = running.flows.find((one) => one.type === 'http' && one.response?.status === 200)
    t.is(flow?.type === 'http' && flow.response?.text, '[{"password":"REDACTED","user":"me"}]')
    const kept = flow?.type === 'http' ? (flow.response?.content ?? zipped) : zipped
    t.is(`${gunzipSync(kept)}`, '[{"password":"REDACTED","user":"me"}]')
  },
)

const secrets = (text: string) => new RedactedView([text])
const world = { newId: () => 'id', now: () => 0, act: () => {} }
const originOf = { world, client: { remote: {}, local: {} } as never, server: undefined, now: 0 }

function flowWith(body: Buffer | string, fields: Record<string, string>): HttpFlow {
  const headers = HttpHeaders.from(fields)
  const parts = { method: 'POST', path: '/', scheme: 'http', host: 'a', port: 80, version: '1.1', headers } as const
  const flow = new HttpFlow(originOf, new HttpRequest(parts, 1_000, 0))
  flow.request.content = body
  return flow
}

test('messages of WebSockets, streams and raw flows', (t) => {
  const view = secrets('$.a')
  const content = Buffer.from(`{"a":"${SECRET}"}`)
  const wanted = '{"a":"REDACTED"}'
  const flow = flowWith('', {})
  flow.websocket = new WebSocketData(1_000, 0)
  const message = new WebSocketMessage({ fromClient: true, kind: 'text', content, timestamp: 0 })
  flow.websocket.begin(message)
  flow.websocket.record(message)
  flow.messages = new StreamMessages(1_000)
  const read = () => ({ content, error: undefined })
  const stream = { kind: 'ndjson', read, refuse: () => undefined, write: () => content } as const
  flow.messages.record(new StreamMessage(stream, true, 0), 10)
  const shown = view.of(flow)
  t.is(shown.websocket?.messages[0]?.text, wanted)
  t.is(shown.websocket?.last?.text, wanted)
  t.is(shown.messages?.last?.text, wanted)
  t.is(shown.messages?.recorded[0]?.text, wanted)
  t.false(everything(shown).includes(SECRET))
  const raw = new TcpFlow(originOf, 1_000)
  raw.record(true, content, 0)
  t.is(`${view.of(raw).last?.content}`, wanted)
  t.is(`${view.of(raw).messages[0]?.content}`, wanted)
  t.false(everything(view.of(raw)).includes(SECRET))
  t.true(everything(raw).includes(SECRET), 'the flow itself stays as it is')
})

test('the view of a flow is one object, which follows the flow', (t) => {
  const view = secrets('x-secret')
  const flow = flowWith('', { 'X-Secret': SECRET })
  const shown = view.of(flow)
  t.is(view.of(flow), shown)
  t.is(view.of(flow).request, shown.request)
  t.true(shown instanceof HttpFlow)
  t.is(shown.request.headers.get('x-secret'), 'REDACTED')
  flow.comment = 'later'
  flow.error = { message: 'lost', timestamp: 0 }
  t.is(shown.comment, 'later')
  t.is(shown.error?.message, 'lost')
  shown.comment = 'by an output'
  t.is(flow.comment, 'by an output')
  shown.kill()
  t.true(flow.killed)
})

test('a body that cannot be read is not shown, where it might have the field', (t) => {
  const view = secrets('$.a')
  const shown = (coding: string, type: string, body: Buffer | string) =>
    `${view.of(flowWith(body, { 'content-encoding': coding, 'content-type': type })).request.content}`
  t.is(shown('strange', 'application/json', SECRET), 'REDACTED')
  t.is(shown('strange', 'text/plain', 'text'), 'text')
  t.is(shown('gzip', 'application/json', SECRET), 'REDACTED')
  const cut = gzipSync(`{"b":"${'x'.repeat(50)}","a":"${SECRET}"}`).subarray(0, -9)
  const flow = flowWith(cut, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
  t.regex(`${gunzipSync(view.of(flow).request.content)}`, /^\{"b":"x+","a":"REDACTED"/)
  const long = flowWith('', { 'content-type': 'application/json' })
  long.request.body.append(Buffer.from(`{"a":"${'x'.repeat(2_000)}"}`))
  t.true(long.request.body.truncated || long.request.body.length > 0)
  t.is(`${view.of(long).request.content}`, '{"a":"REDACTED"')
  t.true(view.of(long).request.body.truncated)
})

test('credentials that an addon has noted are kept back, too', (t) => {
  const flow = flowWith('', {})
  flow.metadata.proxyauth = ['user', SECRET]
  t.false(everything(secrets('proxy-authorization').of(flow)).includes(SECRET))
})

test('where nothing is named, outputs get the flow itself', (t) => {
  const flow = flowWith('', {})
  t.is(new RedactedView([]).of(flow), flow)
})

test('a wrong value is refused before anything listens', async (t) => {
  const error = await t.throwsAsync(startProxy(t, { options: { redact: 'a b' } }))
  t.regex(error?.message ?? '', /^redact: "a b" is not the name of a header field/)
})

test('commands that show flows or write them get them as outputs do; those that change them do not', async (t) => {
  const running = await startProxy(t, { options: { redact: ['authorization'] } })
  const flow = httpFlow({ requestHeaders: ['Host', 'a.test', 'Authorization', SECRET] })
  const { commands } = running.proxy
  const folder = mkdtempSync(join(tmpdir(), 'midwire-redact-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'flows')
  const har = join(folder, 'flows.har')
  const script = join(folder, 'flow.sh')
  await commands.call('save.file', [flow], file)
  await commands.call('save.har', [flow], har)
  await commands.call('export.file', 'curl', flow, script)
  const shown = [
    await commands.call('export', 'raw_request', flow),
    await commands.call('cut', [flow], 'request.header[authorization]'),
  ]
  const texts = [...[file, har, script].map((path) => readFileSync(path, 'latin1')), ...shown.map(String)]
  for (const text of texts) {
    t.false(text.includes(SECRET), text)
    t.true(text.includes('REDACTED'), text)
  }
  await commands.call('flow.comment', [flow], 'seen')
  t.is(flow.request.headers.get('authorization'), SECRET)
})

test('a capture has every byte, so it is refused beside redact', async (t) => {
  const options = { redact: ['authorization'], pcap_file: join(tmpdir(), 'never-written.pcapng') }
  await t.throwsAsync(startProxy(t, { options }), { code: 'ERR_OPTION', message: /pcap_file writes every byte/ })
})
