// Who is let in: arrivals as any mode brings them, without a network.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { block } from '../../src/addons/block.js'
import { loadAuthority } from '../../src/certs/authority.js'
import { CertificateStore } from '../../src/certs/store.js'
import type { Addon } from '../../src/hooks.js'
import { TO_A_PROXY } from '../../src/layers/entrance.js'
import type { Arrival, RunningMode } from '../../src/modes/mode.js'
import { regular } from '../../src/modes/regular.js'
import { parseSpec } from '../../src/modes/spec.js'
import type { GivenOptions } from '../../src/options/definitions.js'
import { OptionStore } from '../../src/options/store.js'
import { Connections } from '../../src/proxy/connections.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'
import { Observers } from '../../src/proxy/observers.js'
import { noReceiver, type Transport } from '../../src/transports/transport.js'

const mode: RunningMode = { spec: parseSpec('regular@0'), mode: regular, listeners: [], close: async () => {} }

/** What becomes of a client with that address, and of its connection. */
async function setUp(t: ExecutionContext, addons: Addon[], given: GivenOptions = {}) {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-connections-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  const said: string[] = []
  const log = (level: string, message: string) => said.push(`${level}: ${message}`)
  const dispatcher = new Dispatcher(log)
  for (const addon of addons) dispatcher.add(addon)
  dispatcher.add({
    client_connected: () => void said.push('connected'),
    client_disconnected: () => void said.push('disconnected'),
  })
  const options = new OptionStore()
  options.update(given)
  dispatcher.configure({ options: options.snapshot, changed: new Set() })
  const authority = await loadAuthority(confdir)
  const connections = new Connections({
    options,
    dispatcher,
    certificates: () => new CertificateStore(authority),
    listeners: () => [],
    mark: () => undefined,
    observers: new Observers({ pcap_file: undefined, redact: [] }, () => {}),
    resolvers: () => [],
    hasMocks: () => false,
    seeksProcesses: () => false,
    deserted: () => {},
    tell: () => {},
    log,
  })
  const transport: Transport = {
    ...{
      local: undefined,
      remote: undefined,
      receiver: noReceiver,
      write: () => true,
      end() {},
      pause() {},
      resume() {},
    },
    close: () => said.push('closed'),
    reset: () => said.push('reset'),
  }
  const arrive = (address: string): void => {
    const arrival: Arrival = {
      transport: 'tcp',
      source: { address, port: 50_000, family: address.includes(':') ? 6 : 4 },
      destination: { address: '10.0.0.1', port: 8080, family: 4 },
      peer: undefined,
      entrance: TO_A_PROXY,
      accept() {
        said.push('accepted')
        return transport
      },
      refuse: (reason) => said.push(`refused: ${reason}`),
    }
    connections.begin(mode, arrival)
  }
  return { connections, said, arrive }
}

test('block_global: a client from the Internet is refused, and that is said', async (t) => {
  const { said, arrive } = await setUp(t, [block()])
  arrive('8.8.8.8')
  t.deepEqual(said, [
    'connected',
    'info: 8.8.8.8: 8.8.8.8 is a public address, and block_global is on',
    'refused: prohibited',
    'disconnected',
  ])
  for (const address of ['127.0.0.1', '192.168.1.7', 'fd00::7']) {
    said.length = 0
    arrive(address)
    t.deepEqual(said, ['connected', 'accepted'], address)
  }
})

test('without it, everybody is let in', async (t) => {
  const { said, arrive } = await setUp(t, [block()], { block_global: false })
  arrive('8.8.8.8')
  t.deepEqual(said, ['connected', 'accepted'])
})

test('an addon that takes its time: the client waits for it', async (t) => {
  let answer = () => {}
  const waiting = new Promise<void>((resolve) => {
    answer = resolve
  })
  const { said, arrive } = await setUp(t, [{ client_connected: () => waiting }])
  arrive('127.0.0.1')
  t.deepEqual(said, [])
  answer()
  await new Promise(setImmediate)
  t.deepEqual(said, ['connected', 'accepted'])
})

test('a client for whom the end comes first is refused once, and let in never', async (t) => {
  let answer = () => {}
  const waiting = new Promise<void>((resolve) => {
    answer = resolve
  })
  const { connections, said, arrive } = await setUp(t, [{ client_connected: () => waiting }])
  arrive('127.0.0.1')
  await connections.close()
  t.deepEqual(said, ['refused: refused', 'disconnected'])
  answer()
  await new Promise(setImmediate)
  t.deepEqual(said, ['refused: refused', 'disconnected', 'connected'])
})

test('a client that was let in is reset at the end, and not refused', async (t) => {
  const { connections, said, arrive } = await setUp(t, [])
  arrive('127.0.0.1')
  await connections.close()
  t.deepEqual(said.slice(0, 3), ['connected', 'accepted', 'reset'])
  t.false(said.some((line) => line.startsWith('refused')))
})
