// A throttled transport under a clock that the test moves: rates, latency, loss, turns, back-pressure, and its ends.
import test, { type ExecutionContext } from 'ava'
import { type Link, Throttled, type ThrottledParts } from '../../src/transports/throttled.js'
import type { Receiver } from '../../src/transports/transport.js'
import { Clock } from '../support/clock.js'
import { FakePackets, FakeTransport } from '../support/fake-transport.js'

const LINK: Link = { down: undefined, up: undefined, latency: 0, loss: 0 }
const rate = (bytesPerSecond: number) => ({ bytesPerSecond, free: 0 })

function setUp(
  link: Link | undefined,
  { below = new FakeTransport(), ...more }: Partial<ThrottledParts> & { below?: FakeTransport } = {},
) {
  const heard: string[] = []
  const receiver: Receiver = {
    handleData: (data) => heard.push(`${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain: () => heard.push('drain'),
    handleDropped: (total) => heard.push(`dropped ${total}`),
    handleClose: () => heard.push('close'),
  }
  below.receiver = receiver
  const slow = new Throttled(below, link, { isDatagrams: false, hasEnded: false, ...more })
  return {
    below,
    slow,
    heard,
    sent: () =>
      below.did
        .filter((one) => one.startsWith('wrote'))
        .join('')
        .replaceAll('wrote ', ''),
  }
}

const timed = (title: string, body: (t: ExecutionContext, clock: Clock) => void) =>
  test.serial(title, (t) => {
    const clock = new Clock()
    clock.with(() => body(t, clock))
  })

timed('bytes to the client pass at their rate, in pieces', (t, clock) => {
  const { slow, sent } = setUp({ ...LINK, down: rate(10_000) })
  slow.write(Buffer.alloc(2_000, 'a'))
  const begun = sent().length
  t.true(begun > 0 && begun <= 1_500, `${begun}`)
  clock.after(50)
  t.true(sent().length - begun >= 400 && sent().length - begun <= 1_100)
  clock.after(49)
  t.true(sent().length < 2_000)
  clock.after(200)
  t.is(sent().length, 2_000)
})

timed('a rate that is shared is divided, and connections take turns', (t, clock) => {
  const link = { ...LINK, down: rate(10_000) }
  const [one, other] = [setUp(link), setUp(link)]
  one.slow.write(Buffer.alloc(5_000, 'a'))
  other.slow.write(Buffer.alloc(5_000, 'b'))
  clock.after(500)
  const [first, second] = [one.sent().length, other.sent().length]
  t.true(first + second >= 4_500 && first + second <= 6_600, `${first} ${second}`)
  t.true(Math.abs(first - second) <= 1_000, `${first} ${second}`)
})

timed('latency delays what goes to the client, and keeps its order', (t, clock) => {
  const { slow, sent } = setUp({ ...LINK, latency: 100 })
  slow.write(Buffer.from('a'))
  clock.after(50)
  slow.write(Buffer.from('b'))
  clock.after(49)
  t.is(sent(), '')
  clock.after(1)
  t.is(sent(), 'a')
  slow.link = undefined
  slow.write(Buffer.from('c'))
  t.is(sent(), 'a')
  clock.after(50)
  t.is(sent(), 'abc')
  slow.write(Buffer.from('d'))
  t.is(sent(), 'abcd', 'without a link nothing waits')
})

timed('what the client sends passes at its rate, and the end comes behind it', (t, clock) => {
  const { below, heard, slow } = setUp({ ...LINK, up: rate(1_000) })
  slow.handleData(Buffer.alloc(600, 'a'))
  slow.handleEnd()
  t.is(heard.join('').length, 256)
  clock.after(250)
  t.false(heard.includes('end'))
  clock.after(1_000)
  t.is(heard.join(''), `${'a'.repeat(600)}end`)
  below.receiver.handleClose(undefined)
  t.is(heard.at(-1), 'close')
})

timed('a client that sends too fast is paused, and a writer is told when there is room', (t, clock) => {
  const { below, heard, slow } = setUp({ ...LINK, up: rate(100_000), down: rate(100_000) })
  slow.handleData(Buffer.alloc(80_000))
  t.deepEqual(below.did, ['paused'])
  clock.after(1_000)
  t.is(below.did.at(-1), 'resumed')
  heard.length = 0
  t.true(slow.write(Buffer.alloc(1_000)))
  t.false(slow.write(Buffer.alloc(80_000)))
  clock.after(500)
  t.deepEqual(heard, [])
  clock.after(500)
  t.deepEqual(heard, ['drain'])
})

timed('a layer that pauses gets nothing until it resumes', (t, clock) => {
  const { heard, slow, below } = setUp({ ...LINK, up: rate(1_000) })
  slow.handleData(Buffer.from('a'))
  slow.pause()
  slow.handleData(Buffer.from('b'))
  clock.after(1_000)
  t.deepEqual(heard, ['a'])
  slow.resume()
  clock.after(1_000)
  t.deepEqual(heard, ['a', 'b'])
  t.is(below.did.at(-1), 'resumed')
})

timed('a transport below that is full is waited for', (t, clock) => {
  const { below, slow, sent } = setUp({ ...LINK, down: rate(10_000) })
  below.takes = false
  slow.write(Buffer.alloc(2_000, 'a'))
  const first = sent().length
  clock.after(5_000)
  t.is(sent().length, first)
  below.takes = true
  slow.handleDrain()
  clock.after(5_000)
  t.is(sent().length, 2_000)
})

timed('it is closed when what was written has passed, and reset at once', (t, clock) => {
  const { below, slow, sent } = setUp({ ...LINK, latency: 100 })
  slow.write(Buffer.from('a'))
  slow.end()
  slow.close()
  t.deepEqual(below.did, [])
  clock.after(100)
  t.deepEqual(below.did, ['wrote a', 'closed'])
  t.is(clock.timers, 0)
  const other = setUp({ ...LINK, latency: 100 })
  other.slow.write(Buffer.from('a'))
  other.slow.reset()
  t.deepEqual(other.below.did, ['reset'])
  t.is(clock.timers, 0)
  t.is(sent(), 'a')
})

timed('datagrams are whole, get lost, and are dropped where too many wait', (t, clock) => {
  let number = 0
  const random = () => (number++ % 2 === 0 ? 0.4 : 0.6)
  const lossy = setUp({ ...LINK, loss: 0.5 }, { isDatagrams: true, random })
  for (const text of ['a', 'b', 'c', 'd']) lossy.slow.write(Buffer.from(text))
  t.is(lossy.sent(), 'bd')
  for (const text of ['a', 'b']) lossy.slow.handleData(Buffer.from(text))
  t.deepEqual(lossy.heard, ['b'])
  const crowded = setUp({ ...LINK, down: rate(1_000) }, { isDatagrams: true })
  for (let count = 0; count < 1_003; count += 1) crowded.slow.write(Buffer.alloc(1_200, 'x'))
  t.deepEqual(crowded.below.did, [`wrote ${'x'.repeat(1_200)}`])
  t.deepEqual(crowded.heard, ['dropped 1', 'dropped 2'])
  clock.after(1_200)
  t.is(crowded.below.did.length, 2)
})

timed('what waits passes at once where the transport is taken back', (t, clock) => {
  const { below, heard, slow } = setUp({ ...LINK, latency: 100, up: rate(1) })
  slow.write(Buffer.from('a'))
  slow.handleData(Buffer.alloc(300, 'b'))
  t.is(slow.release(), below)
  t.deepEqual(below.did, ['wrote a'])
  t.is(heard.join('').length, 300)
  t.is(clock.timers, 0)
})

timed('an end that was told before is not told again', (t) => {
  const { heard, slow } = setUp(LINK, { hasEnded: true })
  slow.handleEnd()
  t.deepEqual(heard, [])
})

timed(
  'where the transport makes the packets, latency and loss are theirs, and the end comes behind what waits',
  (t, clock) => {
    const link = { ...LINK, latency: 100, loss: 0.01, down: rate(1_000) }
    const { below, slow } = setUp(link, { below: new FakePackets() })
    t.deepEqual(below.did, ['impaired 0.01 100'])
    slow.write(Buffer.alloc(500, 'a'))
    t.is(below.did.length, 2, 'the first piece has no latency here')
    slow.link = undefined
    clock.after(200)
    t.false(below.did.includes('mended'))
    clock.after(300)
    t.is(below.did.at(-1), 'mended')
    slow.write(Buffer.from('b'))
    slow.link = undefined
    t.deepEqual(below.did.slice(-2), ['mended', 'wrote b'])
  },
)

timed('packets are mended at once where nothing waits, or the next flow is not impaired', (t) => {
  const { below, slow } = setUp({ ...LINK, loss: 0.5 }, { below: new FakePackets() })
  slow.link = { ...LINK, latency: 5 }
  slow.link = { ...LINK, down: rate(1_000) }
  slow.link = undefined
  t.deepEqual(below.did, ['impaired 0.5 0', 'impaired 0 5', 'mended'])
})

timed('packets are mended where the transport is taken back, behind what waited', (t) => {
  const { below, slow } = setUp({ ...LINK, latency: 100, down: rate(1) }, { below: new FakePackets() })
  slow.write(Buffer.alloc(300, 'a'))
  slow.release()
  t.deepEqual(
    below.did.map((one) => one.slice(0, 7)),
    ['impaire', 'wrote a', 'wrote a', 'mended'],
  )
})

timed('a transport that cannot, and datagrams, are slowed as before', (t, clock) => {
  class Others extends FakePackets {
    override impair(): boolean {
      return false
    }
  }
  for (const more of [{ below: new Others() }, { below: new FakePackets(), isDatagrams: true }]) {
    const { below, slow } = setUp({ ...LINK, latency: 100 }, more)
    slow.write(Buffer.from('a'))
    clock.after(99)
    t.deepEqual(below.did, [])
    clock.after(1)
    slow.link = undefined
    t.deepEqual(below.did, ['wrote a'])
  }
})
