// Each endpoint of the table, called by the client; what it answers is held against its schema.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import * as v from 'valibot'
import { WebSocket, WebSocketServer } from 'ws'
import type { EndpointTable } from '../../src/web/api/endpoint.js'
import { API, type EndpointName } from '../../src/web/api/index.js'
import { ApiFailure, createClient, type MidwireApi } from '../../src/web/client/index.js'
import { answering, startApi, through } from './support.js'

/** Every endpoint that a test of this file has called with success. */
const called = new Set<string>()

/** A client whose JSON is held against the table: no field that the schema does not have. */
function strict(api: MidwireApi): MidwireApi {
  const table = API as EndpointTable
  const methods = Object.entries(api).map(([name, method]) => [
    name,
    async (...given: unknown[]) => {
      const result = await (method as (...given: unknown[]) => Promise<unknown>)(...given)
      called.add(name)
      const schema = table[name]?.response
      if (schema && schema.kind !== 'bytes') {
        const { entries } = schema as unknown as { entries?: v.ObjectEntries }
        v.parse(entries ? v.strictObject(entries) : schema, result)
      }
      return result
    },
  ])
  return Object.fromEntries(methods) as MidwireApi
}

const failure = async (promise: Promise<unknown>): Promise<ApiFailure> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof ApiFailure) return error
    throw error
  }
  throw new Error('it has not failed')
}

const text = async (response: Promise<Response>) => (await response).text()

test.serial('flows: listed, whole, bodies, views, changed, brought back, copied, forgotten', async (t) => {
  const running = await startApi(t)
  const api = strict(running.api)
  const url = await answering(t, { headers: { 'Content-Type': 'application/json' }, body: '{"name":"Ada"}' })
  const { id } = await through(running, `${url}/users`, { method: 'POST', body: 'hello' })
  await through(running, `${url}/other`)

  const { rows, total } = await api.listFlows({ filter: '~m POST', sort: 'time', reverse: true, limit: 10 })
  t.is(total, 1)
  t.like(rows[0], { id, method: 'POST', path: '/users', status: 200, contentType: 'application/json', live: false })
  t.is((await api.listFlows()).total, 2)
  t.deepEqual(
    (await api.listFlows({ offset: 1, limit: 1 })).rows.map(({ path }) => path),
    ['/other'],
  )

  const flow = await api.getFlow({ id })
  t.is(flow.request?.method, 'POST')
  t.deepEqual(flow.request?.body, { length: 5, recorded: 5 })
  t.is(flow.response?.status, 200)
  t.is(flow.modified, false)

  t.is(await text(api.getContent({ id, part: 'request' })), 'hello')
  t.is(await text(api.getContent({ id, part: 'response', decoded: false })), '{"name":"Ada"}')
  const ranged = await fetch(`${running.server.url}/api/flows/${id}/response/content`, {
    headers: { Authorization: `Bearer ${running.token}`, Range: 'bytes=9-11' },
  })
  t.is(ranged.status, 206)
  t.is(ranged.headers.get('content-range'), 'bytes 9-11/14')
  t.is(await ranged.text(), 'Ada')

  const view = await api.viewContent({ id, part: 'response' })
  t.is(view.view, 'json')
  t.true(view.lines.length >= 3)

  const edited = await api.editFlow(
    { id },
    { marked: ':star:', comment: 'mine', request: { headers: { 'X-New': 'one' } } },
  )
  t.like(edited, { marked: ':star:', comment: 'mine', modified: true })
  t.true(edited.request?.headers.some(([name, value]) => name === 'X-New' && value === 'one'))
  const changed = await api.setContent({ id, part: 'response' }, 'other')
  t.is(changed.response?.body.length, 5)
  t.is(await text(api.getContent({ id, part: 'response' })), 'other')
  const reverted = await api.revertFlow({ id })
  t.like(reverted, { marked: '', comment: '', modified: false })
  t.is(await text(api.getContent({ id, part: 'response' })), '{"name":"Ada"}')
  t.is((await failure(api.revertFlow({ id }))).status, 409)

  const copy = await api.duplicateFlow({ id })
  t.not(copy.id, id)
  t.is((await api.listFlows()).total, 3)
  await api.deleteFlow({ id: copy.id })
  t.is((await failure(api.getFlow({ id: copy.id }))).code, 'ERR_NOT_FOUND')

  for (const format of ['curl', 'httpie', 'fetch', 'python-requests', 'raw', 'raw_request', 'raw_response'] as const) {
    t.regex(await text(api.exportFlow({ id, format })), /users|HTTP\/1/, format)
  }
  t.deepEqual(await api.chooseFlows({}, { flows: { filter: '~all' }, action: 'mark', text: ':dot:' }), { flows: 2 })
  t.deepEqual(await api.chooseFlows({}, { flows: { ids: [id, 'unknown'] }, action: 'comment', text: 'x' }), {
    flows: 1,
  })
  t.is((await api.getFlow({ id })).comment, 'x')
  t.deepEqual(await api.chooseFlows({}, { flows: { ids: [id] }, action: 'revert' }), { flows: 1 })
  t.deepEqual(await api.chooseFlows({}, { flows: { ids: [id] }, action: 'delete' }), { flows: 1 })
  t.is((await failure(api.chooseFlows({}, { flows: {}, action: 'delete' }))).at, 'body.flows')
  await api.clearFlows()
  t.is((await api.listFlows()).total, 0)
})

test.serial('flows that wait: resumed, changed, killed, replayed, waited for', async (t) => {
  const running = await startApi(t)
  const { proxy } = running
  const api = strict(running.api)
  const url = await answering(t)
  const point = await api.addBreakpoint({}, { filter: '~u /wait', at: 'request' })
  const waiting = async () => {
    for (;;) {
      const [found] = (await api.listBreakpoints()).breakpoints[0]?.waiting ?? []
      if (found) return found
      await new Promise((later) => setImmediate(later))
    }
  }
  const first = through(running, `${url}/wait`)
  const id = await waiting()
  t.true((await api.getFlow({ id })).intercepted)
  const over = api.waitForFlow({ filter: '~c 418', timeout: 10_000 })
  await api.editFlow({ id }, { response: { status: 418, headers: { 'X-By': 'api' }, content: { text: 'tea' } } })
  await api.resumeFlow({ id })
  t.is((await first).response?.reason, "I'm a teapot")
  t.is((await over).id, id)
  const killed = through(running, `${url}/wait`).catch(() => 'killed')
  const second = await waiting()
  await api.killFlow({ id: second })
  t.is(await killed, 'killed')
  await api.removeBreakpoint({ id: point.id })
  t.deepEqual((await api.listBreakpoints()).breakpoints, [])

  const replayed = await api.replayFlow(
    { id },
    { request: { method: 'PUT', path: '/again', content: { text: 'new' } } },
  )
  t.like(replayed, { replayed: 'request' })
  t.is(replayed.request?.path, '/again')
  t.is(replayed.request?.body.length, 3)
  t.is((await api.getFlow({ id })).request?.path, '/wait', 'the flow itself stays')
  t.is((await api.replayFlow({ id }, {})).request?.path, '/wait')
  t.deepEqual(await api.chooseFlows({}, { flows: { ids: [id] }, action: 'replay' }), { flows: 1 })
  t.is((await failure(api.interceptFlow({ id }))).status, 409)
  t.is((await failure(api.waitForFlow({ filter: '~c 999', timeout: 1 }))).code, 'ERR_TIMEOUT')
  t.is((await failure(api.waitForFlow({ filter: '~nothing' }))).code, 'ERR_FILTER')
  t.is(proxy.mocks.length, 0)
})

test.serial('messages: listed, shown, sent', async (t) => {
  const running = await startApi(t)
  const api = strict(running.api)
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.teardown(() => server.close())
  await once(server, 'listening')
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${String(data)}`)))
  const address = server.address() as AddressInfo
  const { HttpsProxyAgent } = (await import('hpagent')) as unknown as { HttpsProxyAgent: never }
  t.truthy(HttpsProxyAgent)
  const { HttpProxyAgent } = await import('hpagent')
  const agent = new HttpProxyAgent({ proxy: `http://127.0.0.1:${running.port}` })
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}/chat`, { agent })
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  const heard = once(socket, 'message')
  socket.send('{"a":1}')
  t.is(String((await heard)[0]), 'echo {"a":1}')
  const [row] = (await api.listFlows({ filter: '~websocket' })).rows
  const id = row?.id ?? ''
  t.true(row?.websocket)
  const { messages, total } = await api.listMessages({ id })
  t.is(total, 2)
  t.like(messages[0], { index: 0, fromClient: true, kind: 'text', text: '{"a":1}', length: 7 })
  t.is(await text(api.getMessage({ id, index: 0 })), '{"a":1}')
  t.is((await api.viewMessage({ id, index: 0 })).view, 'json')
  t.is((await failure(api.getMessage({ id, index: 9 }))).status, 404)
  const injected = once(socket, 'message')
  await api.injectMessage({ id }, { to: 'client', content: { text: 'hi' } })
  t.is(String((await injected)[0]), 'hi')
  t.like((await api.getFlow({ id })).messages, { fromClient: 1, fromServer: 1, truncated: false })
  await api.interceptFlow({ id })
  const url = await answering(t)
  const { id: plain } = await through(running, `${url}/`)
  t.is((await failure(api.injectMessage({ id: plain }, { to: 'client', content: { text: 'hi' } }))).status, 409)
  t.is((await api.listMessages({ id: plain })).total, 0)
})

test.serial('files: written and read', async (t) => {
  const running = await startApi(t)
  const api = strict(running.api)
  const url = await answering(t)
  await through(running, `${url}/one`)
  const { id } = await through(running, `${url}/two`)
  const file = Buffer.from(await (await api.downloadFlows()).arrayBuffer())
  const har = await api.downloadFlows({ format: 'har', ids: [id] })
  t.regex(har.headers.get('content-disposition') ?? '', /filename="flows.har"/)
  t.is(((await har.json()) as { log: { entries: unknown[] } }).log.entries.length, 1)
  await api.clearFlows()
  t.deepEqual(await api.uploadFlows({}, file), { flows: 2 })
  t.is((await api.listFlows()).total, 2)
  t.is((await failure(api.uploadFlows({}, 'no flows'))).code, 'ERR_FLOW_FILE')
  t.is((await failure(api.downloadFlows({ filter: '~nothing' }))).code, 'ERR_FILTER')
})

test.serial('the proxy: state, options, modes, certificate, log, commands, filters', async (t) => {
  const running = await startApi(t, { options: { cert_passphrase: 'secret' } })
  const { proxy } = running
  const api = strict(running.api)
  const state = await api.getState()
  t.like(state, { version: '1.2.3', confdir: proxy.confdir, proxyUrl: proxy.url })
  t.true(state.views.includes('auto'))
  t.is((await api.getUsage()).flows, 0)

  const { options } = await api.listOptions()
  t.like(
    options.find(({ name }) => name === 'ssl_insecure'),
    { type: 'boolean', value: true, default: false },
  )
  t.like(
    options.find(({ name }) => name === 'cert_passphrase'),
    { value: '...', secret: true },
  )
  t.false(JSON.stringify(options).includes('"secret"'.replace('"secret"', 'secret",')))
  const set = await api.setOptions({}, { flow_detail: 3, block_list: ['/~d evil.test/404'], cert_passphrase: '...' })
  t.is(set.options.length, 2)
  t.is(proxy.options.get('flow_detail'), 3)
  t.is(proxy.options.get('cert_passphrase'), 'secret')
  await api.setOptions({}, { flow_detail: null })
  t.is(proxy.options.get('flow_detail'), 1)
  t.is((await failure(api.setOptions({}, { flow_detail: 9, ssl_insecure: false }))).code, 'ERR_OPTION')
  t.true(proxy.options.get('ssl_insecure'), 'all or none')

  t.true((await api.listModes()).kinds.some(({ name }) => name === 'wireguard'))
  const added = await api.addMode({}, { spec: 'socks5@127.0.0.1:0' })
  t.deepEqual(
    added.modes.map(({ name, state }) => [name, state]),
    [
      ['regular', 'running'],
      ['socks5', 'running'],
    ],
  )
  t.is((await failure(api.addMode({}, { spec: 'nothing' }))).code, 'ERR_MODE')
  t.is((await api.removeMode({ spec: 'socks5@127.0.0.1:0' })).modes.length, 1)
  t.is((await failure(api.removeMode({ spec: 'socks5@127.0.0.1:0' }))).status, 404)

  const certificate = await api.getCertificate()
  t.is(certificate.fingerprint, proxy.authority.fingerprint)
  t.is(certificate.page, 'http://mitm.it')
  t.true(certificate.devices.some(({ device, steps }) => device === 'ios' && steps.flat(2).includes(certificate.name)))
  t.false(JSON.stringify(certificate.devices).includes('<b>'))
  t.is(await text(api.downloadCertificate()), proxy.authority.pem)
  t.deepEqual(Buffer.from(await (await api.downloadCertificate({ format: 'cer' })).arrayBuffer()), proxy.authority.der)

  proxy.log('warn', 'a line for the log')
  t.is((await api.getLog({ level: 'warn', limit: 1 })).lines[0]?.message, 'a line for the log')
  t.true((await api.listCommands()).commands.some(({ usage }) => usage === 'flow.mark FLOWS MARK'))
  t.deepEqual(await api.runCommand({ name: 'view.flows.resolve' }, { arguments: ['@all'] }), { result: [] })
  t.is((await failure(api.runCommand({ name: 'flow.nothing' }, { arguments: [] }))).code, 'ERR_COMMAND')

  t.deepEqual(await api.checkFilter({ filter: '~c 500' }), { valid: true })
  t.like(await api.checkFilter({ filter: '~c 500 & ~zzz' }), { valid: false, at: 9 })
  t.true((await api.getFilterHelp()).operators.some(({ operator }) => operator.startsWith('~d')))
  t.is((await api.getOpenApi()).openapi, '3.1.0')
})

test.serial('devices: let in, shown, shut out; keys are in their own answers alone', async (t) => {
  const running = await startApi(t, { modes: ['wireguard@127.0.0.1:0', 'regular@127.0.0.1:0'] })
  const api = strict(running.api)
  const peer = await api.addPeer({}, { name: 'tablet/1' })
  t.true(peer.hasConfig)
  const { peers } = await api.listPeers()
  t.is(peers.length, 2)
  t.false(JSON.stringify(peers).includes('PrivateKey'))
  t.regex(await text(api.getPeerConfig({ name: 'tablet/1' })), /PrivateKey = /)
  t.regex(await text(api.getPeerCode({ name: 'tablet/1' })), /^<svg /)
  await api.removePeer({ name: 'tablet/1' })
  t.is((await api.listPeers()).peers.length, 1)
  t.is((await failure(api.getPeerConfig({ name: 'tablet/1' }))).status, 404)
  t.deepEqual(await api.listTrust(), { clients: [], passedThrough: [] })
  await api.clearPassedThrough()
})

test.serial('mocks: made, used, removed', async (t) => {
  const running = await startApi(t)
  const api = strict(running.api)
  const mock = await api.addMock({}, { filter: '~d mocked.test', respond: { status: 201, json: { a: 1 } }, times: 2 })
  const { response } = await through(running, 'http://mocked.test/x')
  t.is(response?.status, 201)
  t.is(response?.text, '{"a":1}')
  t.like((await api.listMocks()).mocks[0], { id: mock.id, used: 1, times: 2 })
  t.is((await api.changeMock({ id: mock.id }, { enabled: false })).enabled, false)
  const other = await api.addMock({}, { filter: '~d mocked.test', respond: { status: 202 } })
  const { mocks } = await api.orderMocks({}, { ids: [other.id, mock.id] })
  t.is(mocks.map(({ id, enabled }) => `${id} ${enabled}`).join(), `${other.id} true,${mock.id} false`)
  t.is((await failure(api.orderMocks({}, { ids: [mock.id] }))).status, 409)
  t.is((await through(running, 'http://mocked.test/')).response?.status, 202)
  t.is((await failure(api.changeMock({ id: other.id }, { filter: '~nope' }))).code, 'ERR_FILTER')
  await api.orderMocks({}, { ids: [mock.id, other.id] })
  await api.changeMock({ id: mock.id }, { enabled: true })
  // It may be used twice, and was used once.
  for (const status of [201, 202]) t.is((await through(running, 'http://mocked.test/')).response?.status, status)
  t.is((await api.changeMock({ id: mock.id }, { times: null })).times, undefined)
  await api.removeMock({ id: other.id })
  await api.removeMock({ id: mock.id })
  t.is((await failure(api.removeMock({ id: mock.id }))).status, 404)
  await api.addMock({}, { filter: '~all', respond: { content: { base64: 'aGk=' }, headers: { 'X-A': 'b' } } })
  await api.clearMocks()
  t.deepEqual((await api.listMocks()).mocks, [])
  t.is((await failure(api.addMock({}, { filter: '~nope', respond: {} }))).code, 'ERR_FILTER')
})

test.serial('what is wrong in the input is named', async (t) => {
  const { api, server, token } = await startApi(t)
  const wrong = await failure(api.listFlows({ limit: 5_000 }))
  t.like(wrong, { status: 400, code: 'ERR_INPUT', at: 'query.limit' })
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const at = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${server.url}${path}`, { headers, ...init })).status
  t.is(await at('/api/flows?limit=ten'), 400)
  t.is(await at('/api/flows?limt=10'), 400)
  t.is(await at('/api/flows?limit=1&limit=2'), 400)
  t.is(await at('/api/flows/%E0%A4%A'), 400)
  t.is(await at('/api/flows', { method: 'PUT' }), 405)
  t.is(await at('/api/breakpoints', { method: 'POST', body: '{"filter":1}' }), 400)
  t.is(await at('/api/breakpoints', { method: 'POST', body: '{' }), 400)
  t.is((await failure(createClient({ url: server.url }).getState())).status, 401)
})

test.serial('every endpoint of the table was called', (t) => {
  const missing = (Object.keys(API) as EndpointName[]).filter((name) => !called.has(name))
  t.deepEqual(missing, [])
})
