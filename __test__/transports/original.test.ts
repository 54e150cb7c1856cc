// Where redirected connections were to go, by each system's way; pfctl is played, and sockets are real.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type FindOriginal, findOriginalOn } from '../../src/transports/original.js'
import { PfStates, stateCommand } from '../../src/transports/pf.js'

/** An accepted connection of 127.0.0.1, and the port of its listener. */
async function accepted(t: ExecutionContext): Promise<{ socket: Socket; port: number; client: string }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ours = connect(port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    ours.destroy()
    socket.destroy()
    server.close()
  })
  return { socket, port, client: `127.0.0.1:${socket.remotePort}` }
}

const established = 'ESTABLISHED:ESTABLISHED'

test('macOS and FreeBSD: the states of pf, asked for at each connection', async (t) => {
  const { socket, port, client } = await accepted(t)
  for (const [platform, state] of [
    ['darwin', `ALL tcp 127.0.0.1:${port} <- 192.0.2.1:443 <- ${client}       ${established}`],
    ['freebsd', `all tcp 127.0.0.1:${port} (192.0.2.1:443) <- ${client}       ${established}`],
  ] as const) {
    let states = ''
    const find = findOriginalOn(platform, async () => states)
    t.is(await find(socket, port), undefined)
    states = `${state}\n`
    t.deepEqual(await find(socket, port), { address: '192.0.2.1', port: 443, family: 4 })
    // A connection to the proxy itself, which a rule has led to the proxy.
    states = state.replace('192.0.2.1:443', `127.0.0.1:${port}`)
    t.is(await find(socket, port), undefined)
  }
})

test('OpenBSD: our end of the socket, unless that is the port of the listener', async (t) => {
  const { socket, port } = await accepted(t)
  const find = findOriginalOn('openbsd', () => Promise.reject(new Error('pfctl is not asked')))
  t.is(await find(socket, port), undefined)
  t.deepEqual(await find(socket, 8080), { address: '127.0.0.1', port, family: 4 })
})

test('Linux: a connection that nothing has redirected has no other destination', async (t) => {
  if (process.platform !== 'linux') {
    t.pass()
    return
  }
  const { socket, port } = await accepted(t)
  t.is(await findOriginalOn('linux')(socket, port), undefined)
})

test('other systems are refused, and what there is is named', (t) => {
  const message = 'a transparent proxy is not there on win32: it wants linux, darwin, freebsd, openbsd'
  t.throws(() => findOriginalOn('win32'), { code: 'ERR_COMMAND', message })
  t.throws(() => findOriginalOn('constructor'), { code: 'ERR_COMMAND' })
})

test('an error of pfctl is that of the connection', async (t) => {
  const { socket, port } = await accepted(t)
  const find: FindOriginal = findOriginalOn('darwin', () => Promise.reject(new Error('sudo: a password is required')))
  await t.throwsAsync(async () => find(socket, port), { message: 'sudo: a password is required' })
  await t.throwsAsync(async () => find(socket, port), { message: 'sudo: a password is required' })
})

test('those that wait share one listing, which begins after they have come', async (t) => {
  const asked: ((states: string) => void)[] = []
  const states = new PfStates(() => new Promise((resolve) => asked.push(resolve)))
  const line = (port: number) => `ALL tcp 127.0.0.1:8080 <- 192.0.2.1:${port} <- 10.0.0.1:${port}   ${established}\n`
  const ask = (port: number) => states.find({ address: '10.0.0.1', port, family: 4 })
  const turn = () => new Promise((later) => setImmediate(later))
  const first = ask(1)
  await turn()
  t.is(asked.length, 1)
  const [second, third] = [ask(2), ask(3)]
  await turn()
  t.is(asked.length, 1)
  asked[0]?.(line(1))
  t.is((await first)?.port, 1)
  await turn()
  t.is(asked.length, 2)
  asked[1]?.(line(2) + line(3))
  t.is((await second)?.port, 2)
  t.is((await third)?.port, 3)
})

test('a thousand wait at most', async (t) => {
  let answer: (states: string) => void = () => {}
  const states = new PfStates(() => new Promise((resolve) => (answer = resolve)))
  const client = { address: '10.0.0.1', port: 1, family: 4 } as const
  const waiting = Array.from({ length: 1_000 }, () => states.find(client))
  await t.throwsAsync(states.find(client), { code: 'ERR_EXHAUSTED', message: /1000 connections wait for pfctl/ })
  await new Promise((later) => setImmediate(later))
  answer('')
  await Promise.all(waiting)
  const after = states.find(client)
  await new Promise((later) => setImmediate(later))
  answer('')
  t.is(await after, undefined)
})

test('who is not root asks by sudo, which may ask for nothing', (t) => {
  t.deepEqual(stateCommand(true), ['/sbin/pfctl', '-s', 'state'])
  t.deepEqual(stateCommand(false), ['sudo', '-n', '/sbin/pfctl', '-s', 'state'])
})
