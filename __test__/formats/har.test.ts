// HAR: what midwire writes is valid and comes back, and the forms of browsers and other tools are read.
import test from 'ava'
import type { MidwireError } from '../../src/errors.js'
import type { FlowRecord, HttpRecord } from '../../src/flow/record.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { decodeFlows } from '../../src/formats/flow-file.js'
import { HAR_END, harEntry, harStart } from '../../src/formats/har-write.js'
import { httpFlow, webSocketFlow } from '../support/flows.js'
import { harFaults } from '../support/har-schema.js'
import { chance, randomRecord } from '../support/random-records.js'

const harOf = (records: readonly HttpRecord[]) =>
  harStart('1.2.3') + records.map((record) => JSON.stringify(harEntry(record))).join(',\n') + HAR_END

async function read(text: string): Promise<{ flows: HttpRecord[]; error: MidwireError | undefined }> {
  const flows: FlowRecord[] = []
  const chunks = (async function* () {
    yield Buffer.from(text)
  })()
  try {
    for await (const flow of decodeFlows(chunks)) flows.push(flow)
  } catch (error) {
    return { flows: flows as HttpRecord[], error: error as MidwireError }
  }
  return { flows: flows as HttpRecord[], error: undefined }
}

const entryOf = (change: object = {}) => ({
  startedDateTime: '2026-01-02T03:04:05.006Z',
  time: 30,
  request: { method: 'GET', url: 'https://example.org/a?b=c', httpVersion: 'HTTP/1.1', headers: [] },
  response: { status: 200, statusText: 'OK', httpVersion: 'HTTP/1.1', headers: [], content: { text: 'hi' } },
  timings: { send: 1, wait: 20, receive: 9 },
  ...change,
})

const harWith = (...entries: object[]) => JSON.stringify({ log: { version: '1.2', entries } })

const httpRecord = (facts: Parameters<typeof httpFlow>[0]) => snapshot(httpFlow(facts)) as HttpRecord

test('any flow of HTTP is a valid entry, and its bytes, fields and messages come back', async (t) => {
  const records: HttpRecord[] = []
  for (let seed = 1; records.length < 150; seed += 1) {
    const record = randomRecord(chance(seed))
    if (record.type === 'http') records.push(record)
  }
  const text = harOf(records)
  t.deepEqual(harFaults(JSON.parse(text)), [])
  const { flows, error } = await read(text)
  t.is(error, undefined)
  for (const [index, flow] of flows.entries()) {
    const record = records[index] as HttpRecord
    const where = `flow ${index}`
    t.is(flow.id, record.id)
    t.is(flow.request.method, record.request.method, where)
    t.is(flow.request.version, record.request.version, where)
    t.deepEqual(flow.request.headers, record.request.headers, where)
    t.deepEqual(flow.request.body.stored.bytes(), record.request.body.stored.bytes(), where)
    t.is(flow.request.startedAt, Math.trunc(record.request.startedAt), where)
    t.is(flow.response?.status, record.response?.status, where)
    t.is(flow.response?.reason, record.response?.reason, where)
    t.deepEqual(flow.response?.headers, record.response?.headers, where)
    t.deepEqual(flow.response?.body.stored.bytes(), record.response?.body.stored.bytes(), where)
    t.is(flow.error?.message, record.error?.message || undefined, where)
    t.is(flow.comment, record.comment)
    t.is(flow.marked, record.marked)
    const messages = (one: HttpRecord) => [
      one.websocket?.messages.map(({ fromClient, injected, dropped, timestamp }) => [
        fromClient,
        injected,
        dropped,
        timestamp,
      ]),
      one.websocket?.messages.map(({ kind, content }) => (kind === 'binary' ? content : content.toString())),
      one.websocket?.closeCode,
      one.messages?.recorded.map(({ kind, content, event, id, retry }) => [kind, content, event, id, retry]),
    ]
    t.deepEqual(messages(flow), messages(record), where)
  }
})

test('bodies are text where that gives the same bytes, else base64, and stand there without their coding', (t) => {
  const contentOf = (type: string, responseBody: string | Buffer, more: string[] = []) => {
    const entry = harEntry(
      httpRecord({ responseHeaders: ['Content-Type', type, ...more], responseBody }),
    ) as ReturnType<typeof entryOf>
    return entry.response.content as Record<string, unknown>
  }
  t.like(contentOf('text/html', 'grün\n'), { text: 'grün\n', size: 6, mimeType: 'text/html' })
  t.like(contentOf('image/png', Buffer.from([137, 80, 255])), { text: 'iVD/', encoding: 'base64' })
  t.like(contentOf('text/html; charset=iso-8859-1', Buffer.from('grün')), { encoding: 'base64' })
  t.like(contentOf('text/plain', 'a\0b'), { encoding: 'base64' })
  const gzipped = Buffer.from('H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==', 'base64')
  t.like(contentOf('text/plain', gzipped, ['Content-Encoding', 'gzip']), {
    text: 'hello',
    size: 5,
    compression: 5 - gzipped.length,
  })
  t.is(contentOf('text/plain', 'x'.repeat(2000)).comment, 'only 1024 of 2000 bytes were recorded')
})

test('cookies, query, form, timings, address and errors', (t) => {
  const flow = httpFlow({
    ...{ method: 'POST', path: '/a?b=c&b=%20d', requestBody: 'e=f+g' },
    requestHeaders: [
      'Host',
      'example.com',
      'Cookie',
      'one=1; two="2"',
      'Content-Type',
      'application/x-www-form-urlencoded',
    ],
    responseHeaders: [
      'Set-Cookie',
      'a=b=c; Path=/x; Expires=Thu, 01 Jan 2026 00:00:00 GMT; HttpOnly; SameSite=Lax',
      'Location',
      '/next',
    ],
  })
  flow.request.endedAt = 1004
  const record = { ...(snapshot(flow) as HttpRecord), error: { message: 'lost', timestamp: 1 } }
  const server = { ...record.server, openedAt: 1001, tls: { establishedAt: 1003 } } as HttpRecord['server']
  const entry = harEntry({ ...record, server }) as Record<string, Record<string, unknown>>
  t.deepEqual(entry.request?.cookies, [
    { name: 'one', value: '1' },
    { name: 'two', value: '"2"' },
  ])
  t.deepEqual(entry.request?.queryString, [
    { name: 'b', value: 'c' },
    { name: 'b', value: ' d' },
  ])
  t.like(entry.request?.postData, { text: 'e=f+g', params: [{ name: 'e', value: 'f g' }] })
  t.is(entry.request?.url, 'https://example.com/a?b=c&b=%20d')
  t.deepEqual(entry.response?.cookies, [
    {
      name: 'a',
      value: 'b=c',
      path: '/x',
      expires: '2026-01-01T00:00:00.000Z',
      httpOnly: true,
      secure: false,
      sameSite: 'Lax',
    },
  ])
  t.is(entry.response?.redirectURL, '/next')
  t.is(entry.response?._error, 'lost')
  t.deepEqual(entry.timings, { blocked: -1, dns: -1, connect: 3, send: 4, wait: 3, receive: 0, ssl: 2 })
  t.is(entry.time as unknown, 10)
  t.is(entry.serverIPAddress as unknown, '93.184.216.34')
})

test('a WebSocket has its messages as Chromium writes them', (t) => {
  const entry = harEntry(snapshot(webSocketFlow()) as HttpRecord) as Record<string, unknown>
  t.is(entry._resourceType, 'websocket')
  t.regex((entry.request as { url: string }).url, /^wss:/)
  for (const one of entry._webSocketMessages as { type: string; opcode: number; data: unknown; time: number }[]) {
    t.regex(one.type, /^(send|receive)$/)
    t.true(one.opcode === 1 || one.opcode === 2)
    t.is(typeof one.data, 'string')
    t.true(one.time > 0)
  }
})

test("what browsers and tools write: Chromium's pseudo-header fields, Firefox's gaps, pairs, a mark at the beginning", async (t) => {
  const { flows, error } = await read(
    `\ufeff${harWith(
      entryOf({
        request: {
          ...{ method: 'POST', url: 'https://example.org:8443/x?y', httpVersion: 'http/2.0' },
          headers: [
            { name: ':authority', value: 'example.org:8443' },
            { name: ':method', value: 'POST' },
            { name: 'content-type', value: 'text/plain' },
          ],
          postData: { mimeType: 'text/plain', text: 'grün' },
        },
        response: {
          ...{ status: 200, statusText: '', httpVersion: 'h3' },
          headers: [
            { name: 'set-cookie', value: 'a=b\nc=d' },
            { name: 'content-encoding', value: 'br' },
            { name: 'content-length', value: '999' },
          ],
          content: { size: 3, mimeType: 'x', text: 'AP8=', encoding: 'base64' },
        },
        serverIPAddress: '[2001:db8::1]',
        connection: '443',
      }),
      entryOf({ response: { status: 0, statusText: '', headers: [], content: {}, _error: 'net::ERR_FAILED' } }),
      entryOf({
        time: null,
        timings: undefined,
        request: { method: 'GET', url: 'http://[::1]/', headers: [['Host', '[::1]']] },
      }),
      entryOf({
        request: {
          method: 'POST',
          url: 'http://a/',
          postData: { mimeType: 'application/x-www-form-urlencoded', params: [{ name: 'a', value: 'b c' }] },
        },
      }),
      entryOf({
        response: {
          status: 200,
          headers: [{ name: 'Content-Type', value: 'text/plain; charset=ISO-8859-1' }],
          content: { text: 'ü' },
        },
      }),
    )}`,
  )
  t.is(error, undefined)
  const [chromium, failed, pairs, form, latin1] = flows as [HttpRecord, HttpRecord, HttpRecord, HttpRecord, HttpRecord]
  t.like(chromium.request, {
    version: '2.0',
    authority: 'example.org:8443',
    host: 'example.org',
    port: 8443,
    path: '/x?y',
  })
  t.deepEqual(chromium.request.headers, ['content-type', 'text/plain'])
  t.deepEqual(chromium.request.pseudoOrder, [':authority', ':method'])
  t.is(chromium.request.body.stored.bytes().toString(), 'grün')
  t.is(chromium.response?.version, '3.0')
  t.deepEqual(chromium.response?.headers, ['set-cookie', 'a=b', 'set-cookie', 'c=d', 'content-length', '2'])
  t.deepEqual(chromium.response?.body.stored.bytes(), Buffer.from([0, 255]))
  t.deepEqual(chromium.server?.remote, { address: '2001:db8::1', port: 8443, family: 6 })
  t.is(chromium.request.startedAt, Date.parse('2026-01-02T03:04:05.006Z'))
  t.is(chromium.response?.startedAt, chromium.request.startedAt + 21)
  t.is(chromium.endedAt, chromium.request.startedAt + 30)
  t.is(failed.response, undefined)
  t.is(failed.error?.message, 'net::ERR_FAILED')
  t.like(pairs.request, { host: '::1', port: 80, headers: ['Host', '[::1]'] })
  t.is(form.request.body.stored.bytes().toString(), 'a=b+c')
  t.deepEqual(latin1.response?.body.stored.bytes(), Buffer.from([0xfc]))
})

test('a HAR that is broken ends in a sentence that names the entry; those before it are kept', async (t) => {
  for (const [text, said] of [
    ['{', /^byte 0: no HAR: /],
    ['{"log":{}}', /^byte 0: no HAR: log\.entries is missing, not a list$/],
    [harWith(entryOf(), entryOf({ request: 7 })), /^entry 2 of the HAR: request is a number, not a dictionary$/],
    [
      harWith(entryOf(), entryOf({ startedDateTime: 'soon' })),
      /^entry 2 of the HAR: startedDateTime is "soon", no time$/,
    ],
    [harWith(entryOf(), entryOf({ request: { method: 'GET', url: 'data:,x' } })), /request\.url is "data:,x", no URL/],
    [harWith(entryOf(), entryOf({ response: { status: 7 } })), /response\.status is 7$/],
    [
      harWith(entryOf(), entryOf({ request: { method: 'GET', url: 'http://a', headers: [1] } })),
      /a header field is a number/,
    ],
  ] as const) {
    const { flows, error } = await read(text)
    t.is(error?.code, 'ERR_FLOW_FILE')
    t.regex(error?.message ?? '', said)
    t.is(flows.length, text.length > 20 ? 1 : 0)
  }
})
