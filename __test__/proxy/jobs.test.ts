// Work that the command stays for: it is over when all jobs are settled and no client is connected.
import { once } from 'node:events'
import test from 'ava'
import { Jobs } from '../../src/proxy/jobs.js'
import { startProxy } from '../support/proxy.js'
import { dial } from '../support/talk.js'

function setUp(connected = 0) {
  const state = { connected, finished: undefined as number | undefined, log: [] as string[] }
  const jobs = new Jobs({ connected: () => state.connected, log: (level, text) => state.log.push(`${level} ${text}`) })
  void jobs.finished().then((failures) => {
    state.finished = failures
  })
  return { jobs, state }
}

/** Promises that are settled have told so after this. */
const settled = () => new Promise((later) => setImmediate(later))

test('jobs are finished when the last one is settled, however often one begins', async (t) => {
  const { jobs, state } = setUp(1)
  const over: (() => void)[] = []
  const job = () => new Promise<void>((resolve) => over.push(resolve))
  jobs.add(job())
  state.connected = 0
  jobs.look()
  await settled()
  t.is(state.finished, undefined)
  jobs.add(job())
  over[0]?.()
  await settled()
  t.is(state.finished, undefined)
  over[1]?.()
  await settled()
  t.is(state.finished, 0)
  t.is(jobs.begun, 2)
  t.deepEqual(state.log, [])
})

test('a job that fails is over, too: it is logged and counted', async (t) => {
  const { jobs, state } = setUp(1)
  state.connected = 0
  jobs.add(Promise.reject(new Error('no such file')))
  await settled()
  t.is(state.finished, 1)
  t.deepEqual(state.log, ['error no such file'])
})

test('where all is over already, finished() is fulfilled at once', async (t) => {
  const { jobs } = setUp()
  t.is(await jobs.finished(), 0)
})

test('a client that is connected is waited for, also when its jobs are over', async (t) => {
  const running = await startProxy(t)
  const connected = new Promise<void>((resolve) => running.proxy.on('client_connected', () => resolve()))
  const talk = await dial(t, running.port)
  await connected
  let finished = false
  running.proxy.jobs.add(Promise.resolve())
  const all = running.proxy.jobs.finished().then((failures) => {
    finished = true
    return failures
  })
  await settled()
  t.false(finished)
  talk.socket.destroy()
  await once(talk.socket, 'close')
  t.is(await all, 0)
})
