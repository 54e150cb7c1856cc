// The output of sessions: frames stay whole where buffers end, and what was taken is never written again.
import test from 'ava'
import { frames, number, Talk } from './wire.js'

test('frames that go from one buffer into the next', (t) => {
  const talk = new Talk()
  for (let at = 0; at < 10_000; at++) talk.session.ping()
  const list = frames(talk.session.takeOutput() as Buffer)
  t.is(list.length, 10_000)
  t.true(list.every(({ type, payload }) => type === 6 && payload.toString('latin1') === 'midwire\0'))
})

test('sessions that take turns share a buffer, and keep what others have taken', (t) => {
  const talks = [new Talk(), new Talk(), new Talk()]
  const taken: Buffer[] = []
  for (let round = 0; round < 9_000; round++) {
    const talk = talks[round % 3] as Talk
    talk.say(Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), number(round), number(7)]))
    if (round % 7 < 5) continue
    for (const one of talks) taken.push(one.session.takeOutput() ?? Buffer.alloc(0))
    for (const one of talks) one.session.refill()
  }
  for (const one of talks) taken.push(one.session.takeOutput() ?? Buffer.alloc(0))
  const rounds = taken.flatMap((bytes) => frames(bytes).map(({ payload }) => payload.readUInt32BE()))
  t.deepEqual(
    rounds.sort((one, other) => one - other),
    Array.from({ length: 9_000 }, (_, at) => at),
  )
})
