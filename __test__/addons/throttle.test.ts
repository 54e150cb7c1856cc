// `throttle` with real traffic, which may take longer than it must but never less; and its grammar.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import test from 'ava'
import { parseSpeed, throttle } from '../../src/addons/throttle.js'
import { inEveryWay } from '../support/addon-ways.js'
import { bind } from '../support/talk.js'

/** Timers may go off a little early by another clock. */
const EARLY = 20

inEveryWay(
  'throttle: a response takes as long as rate and latency say, and other flows do not',
  { options: { throttle: ['/~u slow/down=100k,latency=300ms', '/~u gone/offline'] } },
  async (t, { ask, origin, running }) => {
    let replied = 0
    const body = Buffer.alloc(60 * 1024, 'x')
    origin.reply = () => {
      replied = performance.now()
      return { body }
    }
    const answer = await ask('/slow')
    // Of the 600 ms for the bytes a twentieth of a second's may come at once.
    t.true(performance.now() - replied >= 300 + 600 - 100 - EARLY)
    t.deepEqual(answer.body, body)
    await t.throwsAsync(ask('/gone'))
    t.is(origin.got.length, 1)
    t.is((await running.flow('http', 1)).error?.message, 'throttle: the client is offline')
    t.deepEqual((await ask('/else')).body, body)
  },
)

inEveryWay(
  'throttle: a request takes as long as the rate says',
  { options: { throttle: 'up=100k' } },
  async (t, { ask, origin }) => {
    const body = Buffer.alloc(120 * 1024, 'x')
    const begun = performance.now()
    await ask('/', { method: 'POST', body })
    // What has come with the head passes at once: it is read before the flow begins.
    t.true(performance.now() - begun >= 300)
    t.deepEqual(origin.got[0]?.body, body)
  },
)

inEveryWay(
  'throttle: raw TCP',
  { options: { throttle: '/~tcp/latency=200ms' } },
  async (t, { connect, origin, http }) => {
    const server = createServer((socket) => socket.on('data', (data) => socket.write(data)).on('error', () => {}))
    const port = await bind(t, server, origin.host)
    server.on('connection', (socket) => t.teardown(() => socket.destroy()))
    const socket = await connect(port)
    for (const word of [`\0first ${http}`, 'second']) {
      const begun = performance.now()
      socket.write(word)
      const [echo] = (await once(socket, 'data')) as [Buffer]
      t.is(`${echo}`, word)
      t.true(performance.now() - begun >= 200 - EARLY)
    }
  },
)

test('presets and limits', (t) => {
  const speed = (text: string) => parseSpeed(text, 'rule')
  t.deepEqual(speed('3g'), { down: 50_000, up: 50_000, latency: 2_000 })
  t.deepEqual(speed('Slow-4G, latency=0ms'), { down: 180_000, up: 84_375, latency: 0 })
  t.deepEqual(speed('rate=1m,up=1.5k'), { down: 1_048_576, up: 1_536 })
  t.deepEqual(speed('latency=2s,loss=2.5%'), { latency: 2_000, loss: 0.025 })
  t.is(speed('offline'), 'offline')
  t.is(speed('offline,rate=1m'), 'offline')
  for (const wrong of [
    '',
    '5g',
    'rate=',
    'rate=0',
    'rate=1x',
    'rate=1%',
    'latency=1',
    'latency=1k',
    'loss=1',
    'loss=101%',
    'rate=1m,',
  ]) {
    t.throws(() => speed(wrong), { message: /^rule: ".*" is not 3g, slow-4g/ }, wrong)
  }
})

test('wrong rules are refused', (t) => {
  const refused = (rule: string) => t.throws(() => throttle([rule]))?.message ?? ''
  t.regex(refused('/~x/3g'), /no operator ~x/)
  t.regex(refused('/~all'), /^throttle, rule 1: "\/~all" is not/)
  t.regex(refused('/~bq word/3g'), /come too late/)
})
