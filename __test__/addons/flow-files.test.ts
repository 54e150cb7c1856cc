// The options save_stream_file, hardump and rfile, and the commands save.file and save.har, in a running proxy.
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync, gzipSync, inflateSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { strftime } from '../../src/addons/strftime.js'
import type { FlowRecord } from '../../src/flow/record.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { writeMitmproxyFlow } from '../../src/formats/mitmproxy.js'
import { type Addon, HOOK_NAMES, type HttpFlow } from '../../src/index.js'
import { readFlowFile } from '../../src/store/flow-file.js'
import { httpFlow } from '../support/flows.js'
import { type Running, startProxy } from '../support/proxy.js'
import { bind } from '../support/talk.js'

const mitmproxys = new URL('../../../__test__/formats/mitmproxy-12.flow', import.meta.url)

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-files-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A web site behind the proxy. `ask` is fulfilled when the flow is over. */
async function webServer(t: ExecutionContext, running: Running) {
  const port = await bind(
    t,
    createServer(({ url }, response) => void response.end(`answer to ${new URL(url ?? '', 'http://x').pathname}`)),
  )
  let count = 0
  const ask = async (path: string) => {
    const url = `http://127.0.0.1:${port}${path}`
    const asked = request({
      host: '127.0.0.1',
      port: running.port,
      path: url,
      agent: false,
      headers: { host: `127.0.0.1:${port}` },
    })
    const [response] = await once(asked.end(), 'response')
    await once(response.resume(), 'end')
    await running.flow('http', count)
    count += 1
  }
  return { ask }
}

async function read(path: string): Promise<FlowRecord[]> {
  const flows: FlowRecord[] = []
  for await (const flow of readFlowFile(path)) flows.push(flow)
  return flows
}

const paths = (flows: readonly FlowRecord[]) =>
  flows.map((flow) => (flow.type === 'http' ? flow.request.path : flow.type))

test('each flow that is over is in the file, with its bytes; the filter and a change of it count', async (t) => {
  const file = join(folderOf(t), 'new', 'a.flow')
  const running = await startProxy(t, { options: { save_stream_file: file, save_stream_filter: '~u keep' } })
  const { ask } = await webServer(t, running)
  await ask('/keep/1')
  await ask('/drop')
  running.proxy.options.set({ save_stream_filter: undefined })
  await ask('/all')
  await running.proxy.close()
  const flows = await read(file)
  t.deepEqual(paths(flows), ['/keep/1', '/all'])
  t.deepEqual(
    flows.map((one) => one.type === 'http' && one.response?.body.stored.bytes().toString()),
    ['answer to /keep/1', 'answer to /all'],
  )
  t.is(statSync(file).mode & 0o777, 0o600)
})

test('a file that was there is replaced, with a plus it is continued; a value that cannot be opened is refused', async (t) => {
  const file = join(folderOf(t), 'a.flow')
  for (const [value, expected] of [
    [file, ['/1']],
    [`+${file}`, ['/1', '/2']],
    [file, ['/3']],
  ] as const) {
    const running = await startProxy(t, { options: { save_stream_file: value } })
    const { ask } = await webServer(t, running)
    await ask(expected.at(-1) ?? '')
    await running.proxy.close()
    t.deepEqual(paths(await read(file)), [...expected])
  }
  const error = await t.throwsAsync(startProxy(t, { options: { save_stream_file: join(file, 'below') } }))
  t.regex(error?.message ?? '', /^addon save refuses the options: (EEXIST|ENOTDIR)/)
})

test('the option can be set and taken away while the proxy runs', async (t) => {
  const folder = folderOf(t)
  const running = await startProxy(t)
  const { ask } = await webServer(t, running)
  running.proxy.options.set({ save_stream_file: join(folder, 'a') })
  await ask('/a')
  running.proxy.options.set({ save_stream_file: join(folder, 'b') })
  await ask('/b')
  running.proxy.options.set({ save_stream_file: undefined })
  await ask('/none')
  await running.proxy.close()
  t.deepEqual(paths(await read(join(folder, 'a'))), ['/a'])
  t.deepEqual(paths(await read(join(folder, 'b'))), ['/b'])
})

test('hardump: a HAR with an entry for each flow of HTTP, finished when the proxy ends; .zhar is compressed', async (t) => {
  const folder = folderOf(t)
  for (const name of ['a.har', 'a.zhar']) {
    const file = join(folder, name)
    const running = await startProxy(t, { options: { hardump: file, save_stream_filter: '!~u drop' } })
    const { ask } = await webServer(t, running)
    for (const path of ['/1', '/drop', '/2']) await ask(path)
    await running.proxy.close()
    const bytes = readFileSync(file)
    const { log } = JSON.parse((name === 'a.har' ? bytes : inflateSync(bytes)).toString())
    t.is(log.creator.name, 'midwire')
    t.is(log.entries.length, 2)
    t.deepEqual(paths(await read(file)), ['/1', '/2'])
  }
})

/** Runs a file through a proxy, and gives the hooks with what they saw. */
async function hooksOf(
  t: ExecutionContext,
  path: string,
  options = {},
): Promise<{ ran: string[]; running: Running; failures: number }> {
  const ran: string[] = []
  const addon: Record<string, unknown> = { name: 'noting' }
  for (const name of HOOK_NAMES.filter((one) =>
    /^(http_message|request|response|error|websocket|tcp|udp|dns)/.test(one),
  )) {
    addon[name] = (flow: HttpFlow) => {
      t.false(flow.live)
      ran.push(name === 'websocket_message' ? `${name} ${flow.websocket?.messages.length}` : name)
    }
  }
  const running = await startProxy(t, { options: { rfile: path, ...options }, addons: [addon as Addon] })
  t.is(running.proxy.jobs.begun, 1)
  return { ran, running, failures: await running.proxy.jobs.finished() }
}

test("rfile: flows run the hooks in mitmproxy's order, and are then given to the outputs", async (t) => {
  const { ran, running, failures } = await hooksOf(t, new URL(mitmproxys).pathname)
  t.is(failures, 0)
  const request = ['requestheaders', 'request']
  const response = ['responseheaders', 'response']
  const raw = (type: string, end: string) => [`${type}_start`, `${type}_message`, `${type}_message`, `${type}_${end}`]
  t.deepEqual(ran, [
    ...[...request, ...response],
    ...[...request, 'error'],
    ...[...request, 'websocket_start'],
    ...['websocket_message 1', 'websocket_message 2', 'websocket_message 3', 'websocket_end'],
    ...[...raw('tcp', 'end'), ...raw('tcp', 'error'), ...raw('udp', 'end'), ...raw('udp', 'error')],
    ...['dns_request', 'dns_response', 'dns_request', 'dns_request', 'dns_error'],
  ])
  t.is(running.flows.length, 10)
})

test('rfile with a filter; the flows are written again by save_stream_file', async (t) => {
  const file = join(folderOf(t), 'tcp.flow')
  const { running } = await hooksOf(t, new URL(mitmproxys).pathname, {
    readfile_filter: '~tcp',
    save_stream_file: file,
  })
  await running.proxy.close()
  const flows = await read(file)
  t.deepEqual(paths(flows), ['tcp', 'tcp'])
  const all = await read(new URL(mitmproxys).pathname)
  t.deepEqual(flows.map(writeMitmproxyFlow), all.slice(3, 5).map(writeMitmproxyFlow))
})

test('a file that is broken is a job that has failed, and the flows before the fault are there', async (t) => {
  const file = join(folderOf(t), 'a.flow')
  writeFileSync(file, readFileSync(mitmproxys).subarray(0, 7000))
  const { running, failures } = await hooksOf(t, file)
  t.is(failures, 1)
  t.true(running.flows.length > 1)
  t.true(
    running.log.some(({ level, message }) => level === 'error' && /a\.flow: byte \d+: the flow is cut/.test(message)),
  )
  const missing = await hooksOf(t, join(file, 'x'))
  t.is(missing.failures, 1)
})

test('flow files and HARs may be compressed', async (t) => {
  const file = join(folderOf(t), 'a')
  const bytes = readFileSync(mitmproxys)
  for (const form of [gzipSync(bytes), deflateSync(bytes)]) {
    writeFileSync(file, form)
    t.is((await read(file)).length, 10)
    writeFileSync(file, form.subarray(0, form.length - 20))
    await t.throwsAsync(read(file), { code: 'ERR_FLOW_FILE' })
  }
  writeFileSync(file, '')
  t.deepEqual(await read(file), [])
})

test('save.file and save.har write flows that are named', async (t) => {
  const folder = folderOf(t)
  const { proxy } = await startProxy(t)
  const [flow, file] = [httpFlow({ path: '/named' }), join(folder, 'a.flow')]
  await proxy.commands.call('save.file', [flow], file)
  await proxy.commands.call('save.file', [flow], `+${file}`)
  t.deepEqual(readFileSync(file), Buffer.concat(Array(2).fill(writeMitmproxyFlow(snapshot(flow)))))
  for (const name of ['a.har', 'a.zhar']) {
    await proxy.commands.call('save.har', [flow, flow], join(folder, name))
    t.deepEqual(paths(await read(join(folder, name))), ['/named', '/named'])
  }
  t.false(existsSync(join(folder, '+')))
})

test('the time in the name of a file', (t) => {
  const time = new Date(2026, 1, 3, 14, 5, 9, 7)
  t.is(strftime('%Y-%m-%d_%H:%M:%S.%f', time), '2026-02-03_14:05:09.007000')
  t.is(
    strftime('%F %T %j %y %I%p %a %A %b %B %w %R %D', time),
    '2026-02-03 14:05:09 034 26 02PM Tue Tuesday Feb February 2 14:05 02/03/26',
  )
  t.is(strftime('100%% %q %', time), '100% %q %')
  t.is(strftime('%s', time), String(time.getTime() / 1000 - 0.007))
})
