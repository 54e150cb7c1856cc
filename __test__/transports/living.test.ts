// A map whose values come and go: as a Map, and its values are gone with their entries.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { Living } from '../../src/transports/living.js'

test('entries are there in the order in which they came, until they go, also while they are gone through', (t) => {
  const living = new Living<number, { name: string }>()
  const [one, two, three] = ['one', 'two', 'three'].map((name) => ({ name })) as [
    { name: string },
    { name: string },
    { name: string },
  ]
  living.set(1, one)
  living.set(2, two)
  living.set(1, three)
  t.deepEqual(
    [...living.entries()],
    [
      [1, three],
      [2, two],
    ],
  )
  t.is(living.get(1), three)
  t.true(living.has(2))
  t.true(living.delete(2))
  t.false(living.delete(2))
  t.is(living.get(2), undefined)
  t.is(living.size, 1)
  living.set(2, two)
  const seen: string[] = []
  for (const { name } of living.values()) {
    seen.push(name)
    living.delete(2)
  }
  t.deepEqual(seen, ['three'])
  living.clear()
  t.is(living.size, 0)
  t.deepEqual([...living.values()], [])
})

for (const way of ['delete', 'clear'] as const) {
  test(`values that have gone by ${way} are young garbage`, (t) => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
    const oldBytes = () =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
    const living = new Living<number, object>()
    let grown = 0
    for (let round = 0; round < 3; round++) collect({ type: 'minor' })
    for (let at = 0; at < 20_000; at++) {
      living.set(
        at,
        Array.from({ length: 100 }, (_, index) => at + index),
      )
      if (way === 'delete') living.delete(at - 40)
      else if (at % 40 === 0) living.clear()
      if (at % 200 > 0) continue
      const before = oldBytes()
      collect({ type: 'minor' })
      grown += Math.max(0, oldBytes() - before)
    }
    // All values together are 16 MB. A Map lets most of them grow old.
    t.true(grown < 3_000_000, `${grown} bytes have become old`)
  })
}
