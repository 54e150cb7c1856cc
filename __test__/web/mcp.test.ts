// The Model Context Protocol by its official client: every tool, over HTTP and in this process; what is not allowed is not there.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import test, { type ExecutionContext } from 'ava'
import { answering, ask, startApi, through } from './support.js'

type Api = Awaited<ReturnType<typeof startApi>>

async function connect(t: ExecutionContext, { server, token }: Pick<Api, 'server' | 'token'>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  )
  t.teardown(() => client.close())
  return client
}

/** What a tool found. Fails where it says that something is wrong. */
async function call(client: Client, name: string, given: Record<string, unknown> = {}) {
  const { content, isError } = await client.callTool({ name, arguments: given })
  const [{ text }] = content as unknown as [{ text: string }]
  if (isError) throw new Error(text)
  return JSON.parse(text)
}

const reading = ['export_flow', 'get_flow', 'get_messages', 'get_state', 'list_flows', 'wait_for_flow']

test('tools that only look', async (t) => {
  const api = await startApi(t)
  const client = await connect(t, api)
  const { tools } = await client.listTools()
  t.deepEqual(tools.map(({ name }) => name).sort(), reading)
  t.true(tools.every(({ annotations, inputSchema }) => annotations?.readOnlyHint && inputSchema.type === 'object'))

  const url = await answering(t, { headers: { 'Content-Type': 'application/json' }, body: '{"answer":42}' })
  const waited = call(client, 'wait_for_flow', { filter: '~u /asked', timeout_seconds: 20 })
  await through(api, `${url}/other`)
  const flow = await through(api, `${url}/asked`)
  t.is((await waited).id, flow.id)

  const list = await call(client, 'list_flows', { filter: '~u /asked' })
  t.is(list.total, 1)
  t.like(list.flows[0], { id: flow.id, url: `${url}/asked`, status: 200 })
  const all = await call(client, 'list_flows')
  t.true(all.flows[0].url.endsWith('/asked'), 'the newest first')

  const whole = await call(client, 'get_flow', { id: flow.id })
  t.regex(whole.response.body, /view JSON[^\n]*[\s\S]*"answer": 42/i)
  t.true(whole.response.headers.includes('Content-Type: application/json'))
  const headOnly = await call(client, 'get_flow', { id: flow.id.slice(0, 8), characters: 0 })
  t.is(headOnly.response.body, undefined)
  const few = await call(client, 'get_flow', { id: flow.id, characters: 5 })
  t.regex(few.response.body, /cut after 5 characters/)

  t.regex((await call(client, 'export_flow', { id: flow.id, format: 'curl' })).text, /^curl .*\/asked/)
  t.deepEqual(await call(client, 'get_messages', { id: flow.id }), { total: 0, offset: 0, messages: [] })
  const state = await call(client, 'get_state')
  t.is(state.recorded, 2)
  t.is(state.modes.length, 1)
})

test('a mistake is told as an error of the tool, with its reason', async (t) => {
  const client = await connect(t, await startApi(t))
  await t.throwsAsync(call(client, 'list_flows', { filter: '~d' }), { message: /~d/ })
  await t.throwsAsync(call(client, 'get_flow', { id: 'nothing' }), { message: /there is no flow nothing/ })
  await t.throwsAsync(call(client, 'wait_for_flow', { timeout_seconds: 1 }), { message: /within 1000 ms/ })
  await t.throwsAsync(call(client, 'list_flows', { limit: 100_000 }), { message: /200/ })
  await t.throwsAsync(call(client, 'set_mock', { filter: '~all', respond: { status: 200 } }), { message: /not found/i })
})

test('tools that change something', async (t) => {
  const api = await startApi(t, {}, { allowChanges: true })
  const client = await connect(t, api)
  const { tools } = await client.listTools()
  const changing = tools.map(({ name }) => name).filter((name) => !reading.includes(name))
  t.deepEqual(changing.sort(), [
    ...['mark_flows', 'remove_rule', 'replay_flow', 'resume_flow', 'set_breakpoint', 'set_mock', 'set_mode'],
  ])
  const url = await answering(t, { body: 'from the server' })

  const flow = await through(api, `${url}/first`)
  const again = await call(client, 'replay_flow', { id: flow.id, request: { path: '/second', method: 'PUT' } })
  t.like(again.request, { method: 'PUT', path: '/second' })
  t.regex(again.response.body, /from the server/)

  const mock = await call(client, 'set_mock', { filter: '~u /mocked', respond: { status: 418, json: { tea: true } } })
  t.is((await through(api, `${url}/mocked`)).response?.status, 418)
  await call(client, 'remove_rule', { kind: 'mock', id: mock.id })
  t.is((await through(api, `${url}/mocked`)).response?.status, 200)

  const breakpoint = await call(client, 'set_breakpoint', { filter: '~u /held', at: 'request' })
  const held = through(api, `${url}/held`)
  const waiting = async (): Promise<string> => {
    const { breakpoints } = await call(client, 'get_state')
    return breakpoints[0].waiting[0] ?? waiting()
  }
  const response = { status: 201, content: { text: 'by hand' } }
  await call(client, 'resume_flow', { id: await waiting(), response })
  t.like((await held).response, { status: 201, text: 'by hand' })
  const ended = t.throwsAsync(through(api, `${url}/held?again`))
  await call(client, 'resume_flow', { id: await waiting(), kill: true })
  await ended
  await call(client, 'remove_rule', { kind: 'breakpoint', id: breakpoint.id })

  await call(client, 'mark_flows', { filter: '~u /first', as: 'mark', text: ':star:' })
  t.is(api.proxy.flow(flow.id)?.marked, ':star:')

  const spec = 'socks5@127.0.0.1:0'
  t.is((await call(client, 'set_mode', { spec })).modes.length, 2)
  t.is((await call(client, 'set_mode', { spec, remove: true })).modes.length, 1)
})

test('without the token nothing is answered', async (t) => {
  const { server } = await startApi(t)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  const headers = { Host: `127.0.0.1:${server.port}`, 'Content-Type': 'application/json', Accept: 'application/json' }
  t.is((await ask(server.port, { method: 'POST', path: '/mcp', headers, body })).status, 401)
  const other = { ...headers, Host: 'rebound.example' }
  t.is((await ask(server.port, { method: 'POST', path: '/mcp', headers: other, body })).status, 403)
})

test('what redact names does not leave', async (t) => {
  const api = await startApi(t, { options: { redact: ['authorization'] } })
  const client = await connect(t, api)
  const url = await answering(t)
  const flow = await through(api, `${url}/`, { headers: { Authorization: 'Basic c2VjcmV0' } })
  for (const found of [
    await call(client, 'get_flow', { id: flow.id }),
    await call(client, 'export_flow', { id: flow.id, format: 'raw' }),
    await call(client, 'list_flows', { filter: '~u /' }),
  ]) {
    t.notRegex(JSON.stringify(found), /c2VjcmV0/)
  }
})
