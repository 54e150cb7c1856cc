// The processes of clients on this machine: found by real connections, waited for where a hook wants them, and bounded.
import { type ChildProcess, spawn } from 'node:child_process'
import test, { type ExecutionContext } from 'ava'
import type { ClientConnection, ClientProcess } from '../../src/connection.js'
import type { ProcessScan } from '../../src/proxy/process-scan.js'
import { Processes } from '../../src/proxy/processes.js'
import { get, ok, startProxy } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

const linux = process.platform === 'linux' ? test : test.skip

const server = (t: ExecutionContext) => listen(t, (talk) => talk.socket.on('data', () => talk.says(ok('hello'))))

/** A child that asks the proxy once, and closes when it has an answer. */
function child(t: ExecutionContext, proxyPort: number, port: number, mark: string): ChildProcess {
  const script = `require('node:net').connect(+process.argv[1], '127.0.0.1').on('data', function () { this.destroy() }).write(Buffer.from(process.argv[2], 'base64'))
    setTimeout(() => {}, 60000)`
  const started = spawn(process.execPath, [
    '-e',
    script,
    `${proxyPort}`,
    Buffer.from(get(port)).toString('base64'),
    mark,
  ])
  t.teardown(() => started.kill())
  return started
}

linux('a hook finds the process of a client on this machine, and so do the outputs', async (t) => {
  const seen: (ClientProcess | undefined)[] = []
  const running = await startProxy(t, {
    options: { client_process: 'on' },
    addons: [
      {
        client_connected: (client) => void seen.push(client.process),
        requestheaders: ({ client }) => void seen.push(client.process),
      },
    ],
  })
  const { port } = await server(t)
  const { pid } = child(t, running.port, port, 'the-mark-of-this-test')
  const flow = await running.flow('http')
  const found = flow.client.process
  t.is(found?.pid, pid)
  t.is(found?.path, process.execPath)
  t.regex(found?.commandLine ?? '', / -e require.* the-mark-of-this-test$/s)
  t.deepEqual(seen, [found, found])
})

linux(
  'nobody is looked up unless a filter asks for it, and then one that asks once and is gone is found, too',
  async (t) => {
    const running = await startProxy(t)
    const { port } = await server(t)
    child(t, running.port, port, 'unseen')
    t.is((await running.flow('http')).client.process, undefined)
    const flows = running.proxy.flows('~process seen-by-the-filter')
    child(t, running.port, port, 'another')
    const { pid } = child(t, running.port, port, 'seen-by-the-filter')
    t.is((await flows.next()).value?.client.process?.pid, pid)
    await flows.return?.()
  },
)

linux("the filters of `via` ask, too, and choose a program's way by it", async (t) => {
  const running = await startProxy(t, {
    options: { via: ['/~process leaves-by-no-proxy/direct', 'socks5://127.0.0.1:1'] },
  })
  const { port } = await server(t)
  const { pid } = child(t, running.port, port, 'leaves-by-no-proxy')
  const flow = await running.flow('http')
  t.is(flow.client.process?.pid, pid)
  t.is(flow.error, undefined)
})

linux('a client in our own process is found, and its connection is served at once', async (t) => {
  const running = await startProxy(t, { options: { dumper_filter: '~process node' } })
  const { port } = await server(t)
  const client = await dial(t, running.port)
  client.says(get(port))
  await client.hears('hello')
  t.is((await running.flow('http')).client.process?.pid, process.pid)
})

const clientOf = (port: number, address = '127.0.0.1'): ClientConnection => ({
  id: `${port}`,
  transport: 'tcp',
  mode: 'regular',
  explicit: true,
  remote: { address, port, family: 4 },
  local: { address: '127.0.0.1', port: 8080, family: 4 },
})

const someone = { pid: 7, path: '/bin/a', commandLine: 'a', container: undefined }

test('all that wait are answered by one scan, and those that come during it by the next', async (t) => {
  const scans: number[][] = []
  let release = () => {}
  const scan: Pick<ProcessScan, 'run'> = {
    async run(ends, found) {
      scans.push(ends.map(({ local }) => local.port))
      await new Promise<void>((resolve) => {
        release = resolve
      })
      for (const one of ends) found(one, someone)
    },
  }
  const processes = new Processes(scan, 'linux')
  const clients = [1, 2, 3].map((port) => clientOf(port))
  const [first] = clients.slice(0, 2).map((client) => processes.find(client))
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  const last = processes.find(clients[2] as ClientConnection)
  release()
  await first
  while (scans.length < 2) await new Promise(setImmediate)
  release()
  await last
  t.deepEqual(scans, [[1, 2], [3]])
  t.deepEqual(
    clients.map((one) => one.process),
    [someone, someone, someone],
  )
})

test('foreign clients, other systems and a flood are not looked up; close ends what waits', async (t) => {
  const stuck: Pick<ProcessScan, 'run'> = { run: () => new Promise(() => {}) }
  const processes = new Processes(stuck, 'linux')
  t.is(processes.find(clientOf(1, '192.0.2.1')), undefined)
  t.is(new Processes(stuck, 'darwin').find(clientOf(1)), undefined)
  const found = Array.from({ length: 1_001 }, (_, index) => processes.find(clientOf(index + 1)))
  t.truthy(found[999])
  t.is(found[1000], undefined)
  processes.close()
  await Promise.all(found)
  t.is(processes.find(clientOf(1)), undefined)
})
