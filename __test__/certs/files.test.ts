// Files that are whole or not there, and private from their first byte.
import { execFile } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createFileAtomically, makeConfdir, writeFileAtomically } from '../../src/certs/files.js'

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-files-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const posix = process.platform === 'win32' ? test.skip : test

posix('nobody else can read a file at any time, however it was before', async (t) => {
  const confdir = folder(t)
  const path = join(confdir, 'key.pem')
  const modes = new Set<number>()
  const watcher = watch(confdir, () => {
    for (const name of readdirSync(confdir)) {
      const seen = statSync(join(confdir, name), { throwIfNoEntry: false })
      if (seen) modes.add(seen.mode & 0o777)
    }
  })
  t.teardown(() => watcher.close())
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  writeFileSync(path, 'old')
  chmodSync(path, 0o600)
  for (let round = 0; round < 30; round++) await writeFileAtomically(path, 'x'.repeat(100_000), 0o600)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.deepEqual([...modes], [0o600])
  t.deepEqual(readdirSync(confdir), ['key.pem'])
})

test('what is there already stays', async (t) => {
  const path = join(folder(t), 'key.pem')
  t.true(await createFileAtomically(path, 'first', 0o600))
  t.false(await createFileAtomically(path, 'second', 0o600))
  t.is(readFileSync(path, 'utf8'), 'first')
  const rest = await Promise.all(
    Array.from({ length: 20 }, (_, index) => createFileAtomically(`${path}.many`, `${index}`, 0o600)),
  )
  t.is(rest.filter(Boolean).length, 1)
  t.is(readFileSync(`${path}.many`, 'utf8'), `${rest.indexOf(true)}`)
})

test('nothing is left where it cannot be written', async (t) => {
  const confdir = folder(t)
  await t.throwsAsync(writeFileAtomically(join(confdir, 'missing', 'x'), '', 0o600), { code: 'ENOENT' })
  await t.throwsAsync(writeFileAtomically(confdir, '', 0o600))
  t.deepEqual(readdirSync(confdir), [])
})

test('kill -9 in the middle of writes leaves the old or the new', async (t) => {
  const confdir = folder(t)
  const path = join(confdir, 'key.pem')
  const module = fileURLToPath(new URL('../../src/certs/files.js', import.meta.url))
  const program = `const { writeFileAtomically } = await import(${JSON.stringify(module)})
    for (let round = 0; ; round++) {
      await writeFileAtomically(${JSON.stringify(path)}, String.fromCharCode(97 + round % 26).repeat(300_000), 0o600)
    }`
  for (let round = 0; round < 8; round++) {
    const child = execFile(process.execPath, ['--input-type=module', '-e', program])
    const gone = new Promise((resolve) => child.once('close', resolve))
    while (!statSync(path, { throwIfNoEntry: false })) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 5 + round * 7))
    child.kill('SIGKILL')
    await gone
    const text = readFileSync(path, 'utf8')
    t.is(text, (text[0] ?? '').repeat(300_000))
  }
})

posix('a conf dir is made with those above it, for its owner alone', async (t) => {
  const confdir = join(folder(t), 'a', 'b')
  await Promise.all([makeConfdir(confdir), makeConfdir(confdir)])
  t.is(statSync(confdir).mode & 0o777, 0o700)
  await makeConfdir(confdir)
})

posix('a conf dir that cannot be made is said to be so, at once', async (t) => {
  t.timeout(10_000)
  const above = folder(t)
  writeFileSync(join(above, 'file'), '')
  symlinkSync(join(above, 'nowhere'), join(above, 'link'))
  const cases = [
    [join(above, 'file'), 'there is something of that name that is no directory'],
    [join(above, 'link'), 'there is something of that name that is no directory'],
    [join(above, 'file', 'x'), 'a part of the path is a file, and no directory'],
    ...(process.platform === 'linux' ? [['/proc/x/y', 'nothing can be made in the directory above it']] : []),
  ]
  for (const [confdir = '', reason] of cases) {
    await t.throwsAsync(makeConfdir(confdir), {
      code: 'ERR_CONFDIR',
      message: `${confdir} cannot be made: ${reason}; choose another directory with --confdir, or with MIDWIRE_CONFDIR`,
    })
  }
})
