// The disk: full, broken, torn and corrupted; two writers, and readers beside a writer.

import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { StoreReader } from '../../src/store/reader.js'
import { all, failing, folder, numbered, opened, pathOf } from '../support/store.js'

const linuxRoot = process.platform === 'linux' && process.getuid?.() === 0 ? test : test.skip

async function filled(t: ExecutionContext, path: string, count: number, body = 'x'.repeat(500)): Promise<void> {
  const { store } = opened(t, path)
  for (let number = 0; number < count; number++) store.record(numbered(number, { body }))
  await store.closeDisk()
}

const numbersTo = (count: number) => Array.from({ length: count }, (_, at) => `/${at}`)

for (const [code, before] of [
  ['ENOSPC', 0],
  ['ENOSPC', 1500],
  ['EIO', 0],
] as const) {
  test(`${code} after ${before} bytes: one line, recording goes on in memory, and on disk when that can be`, async (t) => {
    const files = failing()
    let now = 0
    const path = folder(t)
    const { store, lines } = opened(t, path, { files, now: () => now })
    store.record(numbered(0))
    await store.flush()
    Object.assign(files, { code, before })
    for (let number = 1; number < 5; number++) store.record(numbered(number))
    await store.flush()
    for (let number = 5; number < 8; number++) {
      now += 4_000
      store.record(numbered(number))
      await store.flush()
    }
    t.deepEqual(lines, [
      `warn: flows are recorded in memory only until the disk can be written to again: ${code}: no room`,
    ])
    t.deepEqual(await all(store.select(), pathOf), numbersTo(8), 'all are there')
    files.code = undefined
    now += 10_000
    store.record(numbered(8))
    await store.flush()
    t.is(lines.length, 2)
    t.regex(lines[1] ?? '', /^info: flows are recorded on disk again; \d+ were not$/)
    const { unwritten } = store.info
    t.is(unwritten, before === 0 ? 7 : 5)
    await store.closeDisk()
    const { store: again } = opened(t, path)
    const kept = await all(again.select(), pathOf)
    t.is(kept.length, 9 - unwritten)
    t.is(kept.at(-1), '/8')
  })
}

linuxRoot('a file system that is full: traffic goes on, and what was recorded is readable', async (t) => {
  const path = folder(t)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path])
  if (mounted.status !== 0) {
    t.pass('this system mounts nothing')
    return
  }
  t.teardown(() => spawnSync('umount', ['-l', path]))
  const { store, lines } = opened(t, join(path, 'store'))
  for (let number = 0; number < 2000; number++) {
    store.record(numbered(number, { body: 'x'.repeat(1000) }))
    if (number % 50 === 0) await store.flush()
  }
  await store.flush()
  t.is(lines.length, 1)
  t.regex(lines[0] ?? '', /until the disk can be written to again: .*ENOSPC/)
  t.is(store.info.flows, 2000)
  await store.closeDisk()
  const { store: again } = opened(t, join(path, 'store'))
  const kept = await all(again.select(), pathOf)
  t.true(kept.length > 100)
  t.deepEqual(kept, numbersTo(kept.length))
  await again.closeDisk()
})

test('a folder that cannot be made is one line', async (t) => {
  const path = join(folder(t), 'file')
  writeFileSync(path, '')
  const { store, lines } = opened(t, join(path, 'store'))
  store.record(numbered(1))
  t.is(lines.length, 1)
  t.regex(lines[0] ?? '', /^warn: flows are kept in memory only: /)
  t.deepEqual(await all(store.select(), pathOf), ['/1'])
})

const first = (path: string) => join(path, '00000001.log')

test('a torn tail, of whatever length, is cut off by the next writer, and recording goes on behind it', async (t) => {
  const path = folder(t)
  await filled(t, path, 3)
  const whole = readFileSync(first(path))
  const lengths = Array.from({ length: 3 }, (_, at) => (whole.length / 3) * at)
  for (let cut = 0; cut < whole.length; cut += 97) {
    writeFileSync(first(path), whole.subarray(0, cut))
    const reader = new StoreReader(path)
    const wanted = numbersTo(lengths.filter((length) => length + whole.length / 3 <= cut).length)
    t.deepEqual(await all(reader.flows(), pathOf), wanted)
    const { store } = opened(t, path)
    store.record(numbered(9))
    await store.closeDisk()
    t.deepEqual(await all(new StoreReader(path).flows(), pathOf), [...wanted, '/9'])
  }
})

test('garbage behind the last flow is ignored by readers, and removed by the next writer', async (t) => {
  const path = folder(t)
  await filled(t, path, 2)
  appendFileSync(first(path), 'mwf1 and no more, or not the right bytes')
  t.deepEqual(await all(new StoreReader(path).flows(), pathOf), numbersTo(2))
  const { store } = opened(t, path)
  store.record(numbered(2))
  await store.closeDisk()
  t.false(readFileSync(first(path)).includes('no more'))
  t.deepEqual(await all(new StoreReader(path).flows(), pathOf), numbersTo(3))
})

test('a byte that has changed costs the flow that it is in, with and without the index', async (t) => {
  const path = folder(t)
  await filled(t, path, 3)
  const whole = readFileSync(first(path))
  for (const index of [true, false]) {
    if (!index) truncateSync(join(path, '00000001.idx'), 3)
    for (let at = 20; at < whole.length / 3; at += 53) {
      const changed = Buffer.from(whole)
      changed.writeUInt8(changed.readUInt8(whole.length / 3 + at) ^ 4, whole.length / 3 + at)
      writeFileSync(first(path), changed)
      t.deepEqual(await all(new StoreReader(path).flows(), pathOf), ['/0', '/2'])
    }
  }
})

test('a long body whose bytes have changed is empty, and its flow is there', async (t) => {
  const path = folder(t)
  await filled(t, path, 1, 'x'.repeat(100_000))
  const bytes = readFileSync(first(path))
  bytes.write('!', bytes.length - 5)
  writeFileSync(first(path), bytes)
  const [body] = await all(new StoreReader(path).flows(), (flow) =>
    flow.type === 'http' ? flow.response?.body : undefined,
  )
  t.is(body?.length, 100_000)
  t.is(body?.content.length, 0)
})

test('a store is opened by one writer: a second says whose it is, and takes over when that has ended', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  const { lines } = opened(t, path)
  t.regex(lines[0] ?? '', new RegExp(`^warn: process ${process.pid} records its flows in `))
  await store.closeDisk()
  t.deepEqual(opened(t, path).lines, [])
})

for (const [name, text] of Object.entries({
  'a process that is gone': `${2 ** 22 + 1} - ${hostname()} x`,
  'a process that has the id of another by now': `1 0 ${hostname()} x`,
  'an earlier process with our own id': `${process.pid} 0 ${hostname()} x`,
  nobody: 'no lock at all',
})) {
  const linux = process.platform === 'linux' ? test : test.skip
  linux(`the lock of ${name} is left over`, (t) => {
    const path = folder(t)
    writeFileSync(join(path, 'lock'), text)
    t.deepEqual(opened(t, path).lines, [])
    t.regex(readFileSync(join(path, 'lock'), 'utf8'), new RegExp(`^${process.pid} `))
    t.deepEqual(readdirSync(path), ['lock'])
  })
}

test('the lock of another machine is respected', (t) => {
  const path = folder(t)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'lock'), '7 - another-machine x')
  t.regex(opened(t, path).lines[0] ?? '', /^warn: process 7 records/)
})

test('a reader follows a writer that writes and drops segments', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path, { disk: 64 * 1024 })
  const reader = new StoreReader(path)
  const seen: string[] = []
  for (let number = 0; number < 300; number++) {
    store.record(numbered(number, { body: 'x'.repeat(700) }))
    if (number % 7 !== 0) continue
    await store.flush()
    for (const flow of reader.fresh()) seen.push(pathOf(flow))
  }
  await store.flush()
  for (const flow of reader.fresh()) seen.push(pathOf(flow))
  t.deepEqual(seen, numbersTo(300))
  t.true((await all(reader.flows(), pathOf)).length < 300)
})
