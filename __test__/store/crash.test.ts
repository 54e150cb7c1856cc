// A writer that is killed in the middle of its writes: the store opens each time, with all flows up to the last whole one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { StoreReader } from '../../src/store/reader.js'
import { all, folder, opened, pathOf } from '../support/store.js'

const program = fileURLToPath(new URL('../support/store-writer.js', import.meta.url))

const KILLS = 10

test('kill -9 ten times while flows are written', async (t) => {
  const path = folder(t)
  let next = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [program, path, `${next}`])
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    // The program says the number of each flow that it knows to be on disk. Some more are being written when it is killed.
    while (out.split('\n').length < 20 + 37 * kill) await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    const written = out.split('\n').slice(0, -1).map(Number)
    const flows = await all(new StoreReader(path).flows(), (flow) => ({ path: pathOf(flow), length: lengthOf(flow) }))
    t.true(flows.length >= next + written.length, 'no flow is lost that was on disk')
    t.deepEqual(
      flows,
      flows.map((_, at) => ({ path: `/${at}`, length: (at % 5) * 40_000 })),
    )
    next = flows.length
  }
  const { store, lines } = opened(t, path)
  t.deepEqual(lines, [])
  t.is(store.info.flows, next)
})

const lengthOf = (flow: Parameters<typeof pathOf>[0]) =>
  flow.type === 'http' ? (flow.response?.body.content.length ?? -1) : -1
