// Flows as lines of JSON: the first line, what each kind of flow has, and that a line is a line.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { AnyFlow } from '../../src/flow/index.js'
import type { OptionSnapshot } from '../../src/options/definitions.js'
import { jsonSink } from '../../src/sinks/json.js'
import { dnsFlow, httpFlow, tcpFlow, udpFlow, webSocketFlow } from '../support/flows.js'

const facts = {
  listeners: [{ spec: 'regular@0', mode: 'regular', host: '127.0.0.1', port: 8080, transport: 'tcp' as const }],
  peers: [
    { spec: 'wireguard', name: 'phone', publicKey: 'key', addresses: ['10.0.0.1'], config: 'PrivateKey = secret' },
  ],
}

function lines(flows: AnyFlow[], filter?: string, json_bodies = false): Record<string, unknown>[] {
  let text = ''
  const sink = jsonSink({ write: (more) => (text += more) }, { dumper_filter: filter, json_bodies })
  sink.ready(facts)
  for (const flow of flows) sink.flow?.(flow)
  void sink.close?.()
  return text
    .split('\n')
    .slice(0, -1)
    .map((one) => JSON.parse(one))
}

test('the first line says what is ready, and tells no private key', (t) => {
  const [ready] = lines([])
  t.deepEqual(ready, {
    event: 'ready',
    listeners: facts.listeners,
    peers: [{ name: 'phone', publicKey: 'key', addresses: ['10.0.0.1'] }],
  })
})

test('a flow that ends before the first line comes after it', (t) => {
  const written: string[] = []
  const sink = jsonSink({ write: (text) => written.push(...text.trimEnd().split('\n')) })
  sink.flow?.(httpFlow())
  t.deepEqual(written, [])
  sink.ready(facts)
  t.deepEqual(
    written.map((one) => JSON.parse(one).event),
    ['ready', 'flow'],
  )
})

test('flows that end before the first line are bounded, and those left out are counted', (t) => {
  let text = ''
  const sink = jsonSink({ write: (more) => (text += more) })
  const long = httpFlow({ requestHeaders: ['Host', 'example.com', 'X-Long', 'x'.repeat(100_000)] })
  for (let round = 0; round < 50; round++) sink.flow?.(long)
  sink.ready(facts)
  const events = text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one))
  t.is(events[0].event, 'ready')
  const last = events.at(-1)
  t.is(last.event, 'dropped')
  t.is(events.length - 2 + last.count, 50)
  t.true(text.length < 1_200_000)
})

test('HTTP: fields as they stood, lengths of bodies and not the bodies', (t) => {
  const flow = httpFlow({
    requestHeaders: ['Host', 'a.example', 'x-A', '1', 'X-a', '2'],
    responseBody: 'b'.repeat(50),
    limit: 20,
  })
  const [, line] = lines([flow])
  t.like(line, {
    event: 'flow',
    id: 'flow',
    type: 'http',
    client: { address: '10.0.0.1', port: 51_234, mode: 'wireguard', peer: 'phone' },
    server: { host: '93.184.216.34', port: 443 },
    createdAt: 1000,
    endedAt: 1035,
    error: null,
    request: {
      method: 'GET',
      url: 'https://a.example/',
      headers: [
        ['Host', 'a.example'],
        ['x-A', '1'],
        ['X-a', '2'],
      ],
      bodyLength: 0,
    },
    response: { status: 200, reason: 'OK', bodyLength: 50, bodyTruncated: true },
  })
  t.notRegex(JSON.stringify(line), /bbbb/)
})

test('HTTP: a body that cannot be decoded as a whole has the reason with it', (t) => {
  const responseHeaders = ['Content-Encoding', 'none']
  const [, bad, good] = lines([httpFlow({ responseHeaders }), httpFlow()])
  t.like(bad, {
    response: {
      decodeError: 'the content coding "none" is unknown: these are the bytes as they came',
    },
  })
  t.false(JSON.stringify(good).includes('decodeError'))
})

test('HTTP: what was odd in the form of a message is told, where something was', (t) => {
  const flow = httpFlow()
  if (flow.response) flow.response.irregularities = ['its lines end in LF without CR']
  const [, line] = lines([flow])
  t.like(line, { response: { irregularities: ['its lines end in LF without CR'] } })
  t.notRegex(JSON.stringify(line?.request), /irregularities/)
})

test('the URL has the host that the client has named; without showhost the server that was dialled', (t) => {
  let text = ''
  const sink = jsonSink({ write: (more) => (text += more) })
  sink.ready(facts)
  sink.flow?.(httpFlow())
  const options = { showhost: false, dumper_filter: undefined } as unknown as OptionSnapshot
  sink.configure?.({ options, changed: new Set(['showhost']) })
  sink.flow?.(httpFlow())
  void sink.close?.()
  const urls = [...text.matchAll(/"url":"([^"]*)"/g)].map(([, url]) => url)
  t.deepEqual(urls, ['https://example.com/', 'https://93.184.216.34:443/'])
  const [, line] = lines([httpFlow()])
  t.like(line, { request: { url: 'https://example.com/', host: '93.184.216.34' } })
})

test('a flow without server or response says so', (t) => {
  const flow = httpFlow()
  flow.server = undefined
  flow.response = undefined
  flow.error = { message: 'killed', timestamp: 1 }
  t.like(lines([flow])[1], { server: null, response: null, error: 'killed' })
})

test('raw flows: how many messages, and bytes', (t) => {
  const [, noted] = lines([Object.assign(tcpFlow(), { comment: 'not decrypted' })])
  t.is(noted?.comment, 'not decrypted')
  const [, tcp, udp] = lines([tcpFlow(), udpFlow()])
  t.is(tcp?.comment, undefined)
  t.like(tcp, { type: 'tcp', messages: 2, bytesFromClient: 11, bytesFromServer: 4, truncated: false })
  t.like(udp, { type: 'udp', messages: 1, bytesFromClient: 4, bytesFromServer: 4, truncated: true })
})

test('a WebSocket: how many messages, bytes, and how it was closed', (t) => {
  const [, flow, plain] = lines([webSocketFlow(), httpFlow()])
  t.is(flow?.upgrade, 'websocket')
  t.deepEqual(flow?.websocket, {
    messages: 4,
    messagesFromClient: 1,
    messagesFromServer: 2,
    bytesFromClient: 5,
    bytesFromServer: 7,
    injected: 1,
    truncated: false,
    closedByClient: true,
    closeCode: 1000,
    closeReason: '',
  })
  t.is(plain?.websocket, undefined)
})

test('DNS: questions and answers as text', (t) => {
  const [, good, bad] = lines([dnsFlow('192.0.2.1'), dnsFlow(3)])
  t.like(good, {
    request: { questions: [{ name: 'example.com', class: 'IN', type: 'A' }] },
    response: {
      status: 'NOERROR',
      answers: [{ name: 'example.com', ttl: 60, class: 'IN', type: 'A', data: '192.0.2.1' }],
    },
  })
  t.like(bad, { response: { status: 'NXDOMAIN', answers: [] } })
})

test('a flow is one line, whatever is in it', (t) => {
  let text = ''
  const sink = jsonSink({ write: (more) => (text += more) })
  sink.ready(facts)
  sink.flow?.(httpFlow({ path: '/\n\u2028\u2029\x85\x1b\x9b' }))
  void sink.close?.()
  t.is(text.split(/[\n\r\u2028\u2029\x85]/).length, 3)
  t.notRegex(text, /[^\P{Cc}\n]/u)
})

test('only flows that match the filter are written', (t) => {
  t.is(lines([httpFlow(), dnsFlow('192.0.2.1')], '~dns').length, 2)
})

test('the process of a client on this machine is told, and null for others', (t) => {
  const process = { pid: 7, path: '/bin/curl', commandLine: 'curl -v', container: undefined }
  const flow = httpFlow()
  Object.assign(flow, { client: { ...flow.client, process } })
  const [, local, other] = lines([flow, httpFlow()])
  t.like(local, { client: { process: { pid: 7, path: '/bin/curl', commandLine: 'curl -v' } } })
  t.like(other, { client: { process: null } })
})

test('a client of HTTP/2 has its fingerprint, and another client has none', (t) => {
  const flow = httpFlow()
  t.false('http2' in Object(lines([flow])[1]?.client))
  flow.client.http2 = {
    ...{ settings: [[2, 0]], windowUpdate: 0, priorities: [], pseudoOrder: 'm,a,s,p' },
    fingerprint: '2:0|00|0|m,a,s,p',
  }
  t.like(lines([flow])[1], { client: { http2: '2:0|00|0|m,a,s,p' } })
})

test('bodies are there where they are asked for: text as it is, other bytes as base64, each without its coding', (t) => {
  const bytes = Buffer.from([0x61, 0, 0xff])
  const flows = [
    httpFlow({ requestBody: 'sent\u2028\x9b', responseBody: bytes }),
    httpFlow({ responseHeaders: ['Content-Encoding', 'gzip'], responseBody: gzipSync('unzipped') }),
    httpFlow({ responseBody: 'longer than recorded', limit: 6 }),
  ]
  const seen = lines(flows, undefined, true).slice(1) as unknown as Record<
    'request' | 'response',
    Record<string, unknown>
  >[]
  t.is(seen[0]?.request.body, 'sent\u2028\x9b')
  t.is(seen[0]?.response.body, undefined)
  t.is(seen[0]?.response.bodyBase64, bytes.toString('base64'))
  t.is(seen[1]?.request.body, '')
  t.is(seen[1]?.response.body, 'unzipped')
  t.is(seen[2]?.response.body, 'longer')
  t.is(seen[2]?.response.bodyTruncated, true)
  for (const one of lines(flows).slice(1)) t.notRegex(JSON.stringify(one), /"body"|bodyBase64/)
})

test('bodies come as soon as the option is set', (t) => {
  let text = ''
  const sink = jsonSink({ write: (more) => (text += more) })
  sink.ready(facts)
  sink.configure?.({ options: { json_bodies: true } as OptionSnapshot, changed: new Set(['json_bodies']) })
  sink.flow?.(httpFlow())
  void sink.close?.()
  t.regex(text, /"body":"hello\\n"/)
})
