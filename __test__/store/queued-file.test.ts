// A file that is written behind the back of traffic: in order, whole pieces, and one sentence where the disk refuses.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MAX_WAITING, QueuedFile } from '../../src/store/queued-file.js'

function setUp(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-queued-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const said: string[] = []
  return { path: join(folder, 'a', 'b'), said, tell: (text: string) => void said.push(text) }
}

test('pieces are written in order, with separators between those that have one', async (t) => {
  const { path, said, tell } = setUp(t)
  const file = new QueuedFile(path, { said: tell })
  const comma = Buffer.from(',')
  file.write(Buffer.from('['))
  for (const piece of ['1', '2', '3']) file.write(Buffer.from(piece), comma)
  file.write(Buffer.from(']'))
  await file.close()
  t.is(readFileSync(path, 'utf8'), '[1,2,3]')
  const more = new QueuedFile(path, { append: true, said: tell })
  more.write(Buffer.from('!'))
  await more.close()
  t.is(readFileSync(path, 'utf8'), '[1,2,3]!')
  await new QueuedFile(path, { said: tell }).close()
  t.is(readFileSync(path, 'utf8'), '')
  t.deepEqual(said, [])
})

test('more than is allowed to wait is left out, and that is said once; who can wait is told when to go on', async (t) => {
  const { path, said, tell } = setUp(t)
  const file = new QueuedFile(path, { said: tell })
  const large = Buffer.alloc(MAX_WAITING / 2 + 1, 'x')
  t.is(file.ready(), undefined)
  file.write(large)
  const ready = file.ready()
  t.truthy(ready)
  for (let round = 0; round < 3; round += 1) file.write(large)
  t.is(said.length, 1)
  t.regex(said[0] ?? '', /cannot be written, and flows are lost: the disk is too slow$/)
  await ready
  file.write(Buffer.from('end'))
  await file.close()
  t.is(readFileSync(path).length, large.length + 3)
  t.regex(said[1] ?? '', /is written again; 3 flows could not be written$/)
  t.is(said.length, 2)
})

test('a piece that is longer than all that may wait is written where nothing waits', async (t) => {
  const { path, said, tell } = setUp(t)
  const file = new QueuedFile(path, { said: tell })
  file.write(Buffer.alloc(MAX_WAITING + 1))
  await file.close()
  t.is(readFileSync(path).length, MAX_WAITING + 1)
  t.deepEqual(said, [])
})

const linux = process.platform === 'linux' ? test : test.skip

linux('a disk that is full is said once, and how much was lost at the end', async (t) => {
  const { said, tell } = setUp(t)
  const file = new QueuedFile('/dev/full', { said: tell })
  for (let round = 0; round < 3; round += 1) file.write(Buffer.from('flow'))
  await file.close()
  t.deepEqual(said, [
    '/dev/full cannot be written, and flows are lost: ENOSPC: no space left on device, write',
    '/dev/full: 3 flows could not be written',
  ])
})

test('a file that cannot be opened is an error', (t) => {
  const { path, tell } = setUp(t)
  new QueuedFile(path, { said: tell })
  writeFileSync(path, '')
  t.throws(() => new QueuedFile(join(path, 'c'), { said: tell }))
})
