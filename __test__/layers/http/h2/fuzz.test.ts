// Random frames, and conversations with bytes changed: nothing is thrown, output stays bounded, and pieces make no difference.
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { PREFACE } from '../../../../src/layers/http/h2/frames.js'
import { seeded } from '../../../support/seeded.js'
import { type Event, Recorder } from './recorder.js'
import { block, frame, head, number, REQUEST, settings } from './wire.js'

const ROUNDS = 500

/** What a peer of that role says: mostly what it may, sometimes not. */
function conversation(role: 'server' | 'client', random: () => number): Buffer {
  const pick = (most: number) => Math.floor(random() * most)
  const bytes = (most: number) => Buffer.from(Array.from({ length: pick(most) }, () => pick(256)))
  const pieces = [settings([4, pick(100_000)], [1, pick(5_000)])]
  if (role === 'server') pieces.unshift(PREFACE)
  let next = role === 'server' ? 1 : 17
  const some = () => (pick(30) ? 1 + 2 * pick(Math.max(1, next >> 1)) : pick(20))
  for (let count = pick(25); count > 0; count--) {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2: {
        const fields = role === 'server' ? REQUEST : [':status', pick(4) ? '200' : '100']
        pieces.push(head(role === 'server' ? next : some(), pick(2) === 0, pick(6) ? fields : [...fields, 'X', '1']))
        if (role === 'server') next += 2
        break
      }
      case 3:
      case 4:
        pieces.push(frame(0, pick(3) === 0 ? 1 : 0, some(), bytes(200)))
        break
      case 5:
        pieces.push(frame(0, 8, some(), Buffer.concat([Buffer.from([pick(20)]), bytes(40)])))
        break
      case 6:
        pieces.push(frame(8, 0, pick(2) ? 0 : some(), number(pick(70_000))))
        break
      case 7:
        pieces.push(frame(3, 0, some(), number(pick(14))))
        break
      case 8:
        pieces.push(frame(6, pick(2), 0, Buffer.alloc(8)))
        break
      case 9: {
        const id = some()
        pieces.push(frame(1, 1, id, block(REQUEST)), frame(9, 4, pick(6) ? id : some(), block(['a', 'b'])))
        break
      }
      case 10:
        if (pick(5) === 0) pieces.push(frame(pick(12), pick(256), some(), bytes(30)))
        break
      default:
        pieces.push(pick(3) ? settings([pick(4) ? 4 : pick(9), pick(70_000)]) : frame(4, 1, 0))
    }
  }
  const whole = Buffer.concat(pieces)
  for (let changes = pick(3) ? 0 : pick(3); changes > 0; changes--) whole[pick(whole.length)] = pick(256)
  return whole
}

/** Plays a conversation to a session that answers all; its events and how much it had to say. */
function play(
  role: 'server' | 'client',
  whole: Buffer,
  cut: () => number,
): { events: Event[]; most: number; recorder: Recorder } {
  const recorder = new Recorder(role)
  const { session } = recorder
  recorder.onHead = (stream) => {
    session.sendHead(stream, [':status', '200', 'x-a', 'b'], false)
    session.sendData(stream, Buffer.alloc(10_000), false)
  }
  recorder.onEnd = (stream) => session.sendTrailers(stream, ['x-end', '1'])
  if (role === 'client') for (let at = 0; at < 8; at++) session.open(REQUEST, at % 2 === 0)
  let most = 0
  for (let at = 0; at < whole.length; ) {
    const to = Math.min(whole.length, at + cut())
    session.receive(whole.subarray(at, to))
    most = Math.max(most, session.takeOutput()?.length ?? 0)
    at = to
  }
  return { events: recorder.events, most, recorder }
}

for (const role of ['server', 'client'] as const) {
  test(`a ${role} whose peer says anything`, (t) => {
    const kinds = new Map<string, number>()
    for (let seed = 0; seed < ROUNDS; seed++) {
      const whole = conversation(role, seeded(seed))
      const cuts = seeded(seed + 1_000_000)
      const one = play(role, whole, () => whole.length)
      const bytes = play(role, whole, () => 1)
      const pieces = play(role, whole, () => 1 + Math.floor(cuts() * 40))
      for (const other of [bytes, pieces]) {
        if (!isDeepStrictEqual(other.events, one.events)) t.deepEqual(other.events, one.events, `seed ${seed}`)
      }
      t.true(one.most < 600_000)
      t.true(one.recorder.session.openStreams <= 100)
      for (const [what] of one.events) kinds.set(what, (kinds.get(what) ?? 0) + 1)
    }
    // The conversations get somewhere, and fail in both ways.
    for (const what of ['head', 'data', 'reset', 'fatal']) t.true((kinds.get(what) ?? 0) > 10, what)
  })
}

test('random bytes behind a preface', (t) => {
  for (let seed = 0; seed < 500; seed++) {
    const random = seeded(seed)
    const recorder = new Recorder('server')
    recorder.session.receive(PREFACE)
    recorder.session.receive(settings())
    for (let at = 0; at < 20; at++) {
      recorder.session.receive(Buffer.from(Array.from({ length: 60 }, () => Math.floor(random() ** 3 * 256))))
    }
    t.true((recorder.session.takeOutput() as Buffer).length < 50_000)
  }
})
