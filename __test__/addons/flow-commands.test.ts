// The commands about flows: what each changes, that changes are told, and that flow.revert brings all back.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { Backups } from '../../src/addons/flow-backup.js'
import { flowCommands } from '../../src/addons/flow-commands.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { TcpFlow } from '../../src/flow/messages.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { Commands } from '../../src/proxy/commands.js'
import { dnsFlow, httpFlow, tcpFlow, webSocketFlow } from '../support/flows.js'
import { numbered } from '../support/store.js'

function setUp() {
  const told: (readonly AnyFlow[])[] = []
  const commands = new Commands(() => [])
  commands.define(flowCommands((flows) => void told.push([...flows]), new Backups()))
  return { told, call: (name: string, ...values: unknown[]) => commands.call(name, ...values) }
}

const facts = (flow: AnyFlow) => JSON.stringify(snapshot(flow))

test('marks and comments', async (t) => {
  const { told, call } = setUp()
  const [flow, dns] = [httpFlow(), dnsFlow('192.0.2.1')]
  await call('flow.mark', [flow, dns], ':star:')
  t.deepEqual([flow.marked, dns.marked], [':star:', ':star:'])
  await call('flow.mark', dns, '')
  await call('flow.mark.toggle', [flow, dns])
  t.deepEqual([flow.marked, dns.marked], ['', ':default:'])
  await call('flow.comment', flow, 'look')
  t.is(flow.comment, 'look')
  t.deepEqual(told, [[flow, dns], [dns], [flow, dns], [flow]])
})

test('flow.set: every attribute, and what it refuses', async (t) => {
  const { call } = setUp()
  const flow = httpFlow()
  const waiting = httpFlow()
  waiting.response = undefined
  for (const [attribute, value] of [
    ['url', 'http://other.example:81/p?q'],
    ['method', 'PATCH'],
    ['status_code', '418'],
    ['reason', 'odd'],
  ] as const) {
    await call('flow.set', [flow, waiting, tcpFlow()], attribute, value)
  }
  t.deepEqual(
    [flow.request.method, flow.request.url, flow.response?.status, flow.response?.reason],
    ['PATCH', 'http://other.example:81/p?q', 418, 'odd'],
  )
  await call('flow.set', flow, 'host', '192.0.2.9')
  await call('flow.set', flow, 'path', '/new')
  t.deepEqual([flow.request.host, flow.request.path], ['192.0.2.9', '/new'])
  await t.throwsAsync(call('flow.set', flow, 'status_code', '99'), {
    code: 'ERR_COMMAND',
    message: /"99" is no status/,
  })
  await t.throwsAsync(call('flow.set', flow, 'color', 'red'), { code: 'ERR_COMMAND', message: /must be one of host/ })
})

test('flow.encode and flow.decode', async (t) => {
  const { call } = setUp()
  const flow = httpFlow({ requestBody: 'asked', responseBody: 'answered' })
  for (const encoding of ['gzip', 'deflate', 'br']) {
    await call('flow.encode', flow, 'response', encoding)
    t.is(flow.response?.headers.get('content-encoding'), encoding)
    t.not(flow.response?.content.toString(), 'answered')
    t.is(flow.response?.text, 'answered')
    await call('flow.encode', flow, 'response', 'gzip')
    t.is(flow.response?.headers.get('content-encoding'), encoding, 'once is enough')
    await call('flow.decode', flow, 'response')
    t.is(flow.response?.content.toString(), 'answered')
    t.false(flow.response?.headers.has('content-encoding'))
  }
  const broken = httpFlow({ responseHeaders: ['Content-Encoding', 'gzip'], responseBody: 'no gzip' })
  await t.throwsAsync(call('flow.decode', broken, 'response'), { code: 'ERR_COMMAND' })
  t.is(broken.response?.content.toString(), 'no gzip')
})

test('flow.revert brings back what commands have changed, all of it, and nothing else', async (t) => {
  const { told, call } = setUp()
  const flow = httpFlow({
    requestBody: 'asked',
    responseHeaders: ['Content-Encoding', 'gzip', 'X-Odd', '1'],
    responseBody: gzipSync('answered'),
  })
  const before = facts(flow)
  await call('flow.decode', flow, 'response')
  await call('flow.encode', flow, 'request', 'br')
  await call('flow.set', flow, 'url', 'http://x.example/')
  await call('flow.set', flow, 'status_code', '500')
  await call('flow.comment', flow, 'changed')
  t.not(facts(flow), before)
  told.length = 0
  await call('flow.revert', [flow, numbered(7)])
  t.is(facts(flow), before)
  t.deepEqual(told, [[flow]], 'the other one was not changed')
  await call('flow.revert', flow)
  t.is(facts(flow), before)
})

test('resume and kill act on flows that run; messages go only where they can', async (t) => {
  const { told, call } = setUp()
  const acts: string[] = []
  const world = { newId: () => 'id', now: () => 5, act: (_: unknown, { act }: { act: string }) => void acts.push(act) }
  const { client } = tcpFlow()
  const [over, raw] = [tcpFlow(), new TcpFlow({ world, client, server: undefined, now: 1 }, 100)]
  over.endedAt = 9
  raw.intercept()
  await call('flow.resume', [over, raw])
  t.deepEqual([raw.intercepted, acts.splice(0)], [false, ['resume']])
  await call('inject.tcp', raw, 'true', 'hello')
  t.deepEqual(acts.splice(0), ['inject'])
  await call('flow.kill', [over, raw])
  t.deepEqual([raw.killed, over.killed, acts.splice(0)], [true, false, ['kill']])
  t.deepEqual(told, [[raw], [raw]])
  await t.throwsAsync(call('inject.tcp', over, true, 'x'), { message: /is over/ })
  await t.throwsAsync(call('inject.udp', raw, true, 'x'), { message: /no a datagram|carries no/ })
  const socket = webSocketFlow()
  socket.endedAt = 9
  await t.throwsAsync(call('inject.websocket', socket, true, 'x'), { message: /no WebSocket that is open/ })
})
