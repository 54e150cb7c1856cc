// `midwire show` against a real store: lists, one flow, bodies, JSON, what comes, and what is wrong.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { midwire } from '../../src/cli/command.js'
import { snapshot, writeMitmproxyFlow } from '../../src/index.js'
import type { FlowStore } from '../../src/store/store.js'
import { folder, idOf, numbered, opened } from '../support/store.js'

async function ran(...argv: string[]) {
  const out: Buffer[] = []
  let err = ''
  const stdout = { write: (text: string | Uint8Array) => out.push(Buffer.from(text as string)) }
  const stderr = { write: (text: string | Uint8Array) => (err += text) }
  const code = await midwire(argv, { stdout, stderr, env: {} })
  return { bytes: Buffer.concat(out), out: Buffer.concat(out).toString(), err, code }
}

/** A conf dir with five flows, and the store that still writes there. */
async function recorded(t: ExecutionContext): Promise<{ confdir: string; store: FlowStore }> {
  const confdir = folder(t)
  const { store } = opened(t, join(confdir, 'store'))
  for (let number = 0; number < 5; number++) {
    store.record(numbered(number, { status: number === 3 ? 404 : 200, body: Buffer.from([0xff, 0, number]) }))
  }
  await store.flush()
  return { confdir, store }
}

const pathsIn = (out: string) =>
  [...out.matchAll(/^0000000(\d) \S+ GET \S+(\/\d) << \d+/gm)].map(([, id, path]) => `${id}${path}`)

test('a list has a line for each flow, which begins with its id', async (t) => {
  const { confdir } = await recorded(t)
  const { out, code } = await ran('show', '--confdir', confdir)
  t.is(code, 0)
  t.is(out.split('\n').length, 6)
  t.deepEqual(pathsIn(out), ['0/0', '1/1', '2/2', '3/3', '4/4'])
})

test('a filter, and a limit to the newest', async (t) => {
  const { confdir } = await recorded(t)
  t.deepEqual(pathsIn((await ran('show', '~c 404', '--confdir', confdir)).out), ['3/3'])
  t.deepEqual(pathsIn((await ran('show', '~c', '200', '--confdir', confdir, '--limit', '2')).out), ['2/2', '4/4'])
  t.is((await ran('show', '--limit', '0', '--confdir', confdir)).out, '')
})

test('colours only where they are wanted', async (t) => {
  const { confdir } = await recorded(t)
  t.false((await ran('show', '--confdir', confdir)).out.includes('\x1b'))
  t.true((await ran('show', '--color', '--confdir', confdir)).out.includes('\x1b'))
})

test('one flow whole, by its id or the beginning of it; as JSON; and its bodies byte for byte', async (t) => {
  const { confdir } = await recorded(t)
  for (const id of [idOf(3), '00000003']) {
    const { out, code } = await ran('show', id, '--confdir', confdir)
    t.is(code, 0)
    t.true(out.startsWith(`${idOf(3)}\n`))
    t.regex(out, /Host: example\.com/)
    t.regex(out, /ff 00 03/)
  }
  t.is(JSON.parse((await ran('show', '00000003', '--json', '--confdir', confdir)).out).id, idOf(3))
  const { bytes } = await ran('show', '00000003', '--body', 'response', '--confdir', confdir)
  t.deepEqual(bytes, Buffer.from([0xff, 0, 3]))
  t.is((await ran('show', '00000003', '--body', 'request', '--confdir', confdir)).bytes.length, 0)
})

test('JSON lines', async (t) => {
  const { confdir } = await recorded(t)
  const { out } = await ran('show', '--json', '--confdir', confdir)
  t.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).request.path),
    ['/0', '/1', '/2', '/3', '/4'],
  )
})

test('what is not there ends with 1, a wrong command line with 2', async (t) => {
  const { confdir } = await recorded(t)
  const cases: [string[], number, RegExp][] = [
    [['00000009', '--confdir', confdir], 1, /^midwire: no flow that begins with 00000009 is recorded/],
    [['--confdir', folder(t)], 2, /no flows are recorded in .*store; choose another directory/],
    [['~nonsense', '--confdir', confdir], 2, /there is no operator ~nonsense/],
    [['--limit', 'x', '--confdir', confdir], 2, /--limit wants a whole number, not x/],
    [['--body', 'both', '--confdir', confdir], 2, /--body is request or response, not both/],
    [['--body', 'request', '--confdir', confdir], 2, /--body wants a flow/],
  ]
  for (const [argv, code, said] of cases) {
    const result = await ran('show', ...argv)
    t.is(result.code, code, argv.join(' '))
    t.regex(result.err, said)
    t.is(result.out, '')
  }
  t.is((await ran('wg', 'show', '--follow')).code, 2)
})

test('--follow goes on with flows as they end, until a signal', async (t) => {
  const { confdir, store } = await recorded(t)
  const bin = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
  const argv = ['show', '--follow', '--limit', '1', '!~u /6', '--confdir', confdir]
  const child = spawn(process.execPath, [bin, ...argv], { env: { ...process.env, NO_COLOR: '1' } })
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  const until = async (lines: number) => {
    while (out.split('\n').length <= lines) await once(child.stdout, 'data')
  }
  await until(1)
  for (let number = 5; number < 8; number++) store.record(numbered(number))
  await until(3)
  t.deepEqual(pathsIn(out), ['4/4', '5/5', '7/7'])
  child.kill('SIGTERM')
  const [code] = await once(child, 'close')
  t.is(code, 0)
})

test('show has help of its own', async (t) => {
  const { out, code } = await ran('show', '--help')
  t.is(code, 0)
  t.regex(out, /^midwire show \[-r FILE\] \[FILTER\]/)
  t.is((await ran('help', 'show')).out, out)
})

test('-r reads a flow file or a HAR: a list, a filter, the newest, one flow by its id, a body', async (t) => {
  const home = folder(t)
  const flows = [0, 1, 2].map((number) =>
    numbered(number, { status: number === 1 ? 404 : 200, body: Buffer.from(`body ${number}`) }),
  )
  const path = join(home, 'flows')
  writeFileSync(path, Buffer.concat(flows.map((flow) => writeMitmproxyFlow(snapshot(flow)))))
  const show = (...argv: string[]) => ran('show', '-r', path, '--confdir', home, ...argv)
  t.deepEqual(pathsIn((await show()).out), ['0/0', '1/1', '2/2'])
  t.deepEqual(pathsIn((await show('~c 404')).out), ['1/1'])
  t.deepEqual(pathsIn((await show('--limit', '2')).out), ['1/1', '2/2'])
  t.is((await show('--limit', '0')).out, '')
  t.is((await show('00000002', '--body', 'response')).out, 'body 2')
  t.true((await show(idOf(1))).out.startsWith(`${idOf(1)}\n`))
  t.is((await show('--follow')).code, 2)
  t.regex((await ran('show', '-r', join(home, 'none'), '--confdir', home)).err, /none/)
})
