// How far `midwire show` has come: a line on stderr, on a terminal alone, after a while, and gone at the end.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { midwire } from '../../src/cli/command.js'
import { Progress } from '../../src/cli/progress.js'
import { snapshot, writeMitmproxyFlow } from '../../src/index.js'
import { folder, numbered, opened } from '../support/store.js'

const CLEAR = '\r\x1b[K'

/** Runs the command on a terminal where each look at the clock finds a second gone. */
async function ran(argv: string[], { isTTY = true, env = {}, pace = 1000 } = {}) {
  // What a terminal gets that shows both streams.
  let both = ''
  let [out, err] = ['', '']
  const writing = (add: (text: string) => void) => ({
    isTTY,
    columns: 80,
    write(text: string | Uint8Array) {
      add(String(text))
      both += text
    },
  })
  const stdout = writing((text) => {
    out += text
  })
  const stderr = writing((text) => {
    err += text
  })
  let time = 0
  const now = () => {
    time += pace
    return time
  }
  const code = await midwire(argv, { stdout, stderr, env, now })
  return { out, err, both, code }
}

async function recorded(t: ExecutionContext): Promise<{ store: string[]; file: string[] }> {
  const confdir = folder(t)
  const { store } = opened(t, join(confdir, 'store'))
  const flows = [0, 1, 2, 3].map((number) => numbered(number))
  for (const flow of flows) store.record(flow)
  await store.flush()
  const path = join(confdir, 'some.flow')
  writeFileSync(path, Buffer.concat(flows.map((flow) => writeMitmproxyFlow(snapshot(flow)))))
  return { store: ['show', '--confdir', confdir], file: ['show', '-r', path, '--confdir', confdir] }
}

/** What is left on a terminal: a line is written over from where its erasure stands. */
const left = (text: string) =>
  text
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf(CLEAR) + 1 && line.lastIndexOf(CLEAR) + CLEAR.length))
    .join('\n')

test('a store and a file: the share that was looked at, never in stdout, and nothing of it is left', async (t) => {
  const { store, file } = await recorded(t)
  for (const [argv, shares] of [
    [store, [25, 50, 75, 100]],
    [file, [100, 100, 100, 100]],
  ] as const) {
    for (const more of [[], ['--limit', '9'], ['~c 500']]) {
      const { out, err, both, code } = await ran([...argv, ...more])
      t.is(code, 0)
      t.deepEqual(
        [...err.matchAll(/(\d) flows read, (\d+) %/g)].map(([, count, share]) => [Number(count), Number(share)]),
        shares.map((share, index) => [index + 1, share]),
      )
      t.false(out.includes('flows read'))
      t.true(err.endsWith(CLEAR))
      t.is(left(both), out, more.join(' '))
      // No colours stand in it, so that NO_COLOR has nothing to take away.
      t.false(err.replaceAll(CLEAR, '').includes('\x1b'))
    }
  }
  const { err, out } = await ran([...file, '00000002'])
  t.regex(err, /4 flows read, 100 %/)
  t.true(err.endsWith(CLEAR) && out.includes('/2'))
})

test('nothing is said where stderr is no terminal, or cannot take a line back, or the work is short', async (t) => {
  const { store } = await recorded(t)
  t.is((await ran(store, { isTTY: false })).err, '')
  t.is((await ran(store, { env: { TERM: 'dumb' } })).err, '')
  t.is((await ran(store, { pace: 100 })).err, '')
})

test('an error finds the line gone', async (t) => {
  const { file } = await recorded(t)
  const { err, code } = await ran([...file, '0000000f'])
  t.is(code, 1)
  t.regex(left(err), /^midwire: no flow that begins with 0000000f/)
  const path = file[2] ?? ''
  writeFileSync(path, `${readFileSync(path, 'latin1')}nonsense`, 'latin1')
  const broken = await ran([...file, '~c 500'])
  t.regex(broken.err, /flows read/)
  t.regex(left(broken.err), /^midwire: .*neither a flow/)
})

test('the line is written at most ten times a second, and is not longer than the terminal is wide', (t) => {
  let time = 0
  const written: string[] = []
  const stderr = { isTTY: true, columns: 12, write: (text: string | Uint8Array) => written.push(String(text)) }
  const progress = new Progress({ stdout: stderr, stderr, env: {}, now: () => time })
  for (time = 1; time <= 1500; time += 1) progress.step()
  t.is(written.length, 11)
  t.is(written[0], `${CLEAR}500 flows r`)
  progress.clear()
  progress.clear()
  t.is(written.length, 12)
})
