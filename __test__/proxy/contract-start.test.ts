// The contract of modes at their start: a free port for port 0, and what is said of a port that is taken.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Midwire } from '../../src/index.js'
import { defaultsOf } from '../../src/modes/listen.js'
import { modeOf, parseSpec } from '../../src/modes/spec.js'
import { ContractTable } from '../support/contract-table.js'

/** A spec of each mode, and of each kind of it that listens in another way, without a port. */
const SPECS = [
  'wireguard',
  'regular',
  'socks5',
  'upstream:http://127.0.0.1:9',
  'reverse:http://127.0.0.1:9',
  'reverse:https://127.0.0.1:9',
  'reverse:tcp://127.0.0.1:9',
  'reverse:tls://127.0.0.1:9',
  'reverse:udp://127.0.0.1:9',
  'reverse:dns://127.0.0.1:9',
  'transparent',
  'dns',
]

type Transport = 'tcp' | 'udp'

const table = new ContractTable()

for (const text of SPECS) {
  const spec = parseSpec(text)
  const { transports } = defaultsOf(spec, modeOf(spec))
  const held = (part: string) => table.held({ mode: spec.name, name: text }, 'start', part)

  test.serial(`${text}: port 0 is a free port for each transport`, async (t) => {
    const proxy = await start(t, `${text}@127.0.0.1:0`)
    t.deepEqual([...new Set(proxy.listeners.map(({ transport }) => transport))], [...transports])
    for (const { port, transport } of proxy.listeners) {
      t.true(port > 0)
      await t.throwsAsync(take(t, transport, port), { code: 'EADDRINUSE' }, transport)
    }
    held('port 0')
  })

  for (const transport of transports) {
    test.serial(`${text}: a port of ${transport} that is taken`, async (t) => {
      const port = await takeAlone(t, transport, transports)
      const where = `${transport.toUpperCase()} .*\\b${port} is in use`
      const taken = { code: 'ERR_ADDRESS_IN_USE' } as const
      await t.throwsAsync(start(t, `${text}@127.0.0.1:${port}`), {
        ...taken,
        message: new RegExp(`^${where}: end the program that has it, or choose another port`),
      })
      // Where the port is none that the user has written into the spec, there is a spec with another one.
      const suggestion = `--mode ${text}@${port + 2}`
      const error = await t.throwsAsync(start(t, text, port), { ...taken, message: new RegExp(`^${where} \\(try `) })
      t.true(error?.message.includes(`(try ${suggestion})`), error?.message)
      for (const other of transports) if (other !== transport) await take(t, other, port)
      held(`a busy port, ${transport}`)
    })
  }
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})

/** Starts a proxy of one mode, which goes with the test. */
async function start(t: ExecutionContext, mode: string, port?: number): Promise<Midwire> {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-start-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  const options = { listen_host: '127.0.0.1', ...(port !== undefined && { listen_port: port }) }
  const proxy = await Midwire.start({ modes: [mode], confdir, options })
  t.teardown(() => proxy.close())
  return proxy
}

/** Takes a free port, of which the other transports' are free, too: a client of another test may have one of those. */
async function takeAlone(t: ExecutionContext, transport: Transport, all: readonly Transport[]): Promise<number> {
  for (;;) {
    const port = await take(t, transport)
    const others = all.filter((other) => other !== transport)
    if ((await Promise.all(others.map((other) => isFree(other, port)))).every(Boolean)) return port
  }
}

async function isFree(transport: Transport, port: number): Promise<boolean> {
  const socket = transport === 'tcp' ? createServer() : createSocket('udp4')
  const settled = Promise.race([once(socket, 'listening').then(() => true), once(socket, 'error').then(() => false)])
  if (socket instanceof Server) socket.listen(port, '127.0.0.1')
  else socket.bind(port, '127.0.0.1')
  const free = await settled.catch(() => false)
  if (free) await new Promise<void>((closed) => socket.close(() => closed()))
  return free
}

/** Takes a port of 127.0.0.1 for the rest of the test: a free one unless it is given. */
async function take(t: ExecutionContext, transport: Transport, port = 0): Promise<number> {
  if (transport === 'tcp') {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return (server.address() as { port: number }).port
  }
  const socket = createSocket('udp4')
  const bound = once(socket, 'listening')
  socket.bind(port, '127.0.0.1')
  try {
    await bound
  } catch (error) {
    socket.close()
    throw error
  }
  t.teardown(() => socket.close())
  return socket.address().port
}
