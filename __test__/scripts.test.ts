// The scripts behind npm's commands: how they count, what they find stale, and what they say to a wrong argument.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const load = (script: string) => import(pathToFileURL(resolve('scripts', script)).href)

interface Counting {
  line(text: string): void
}

const count = (tally: Counting, text: string) => {
  for (const line of text.split('\n')) tally.line(line)
  return String(tally)
}

test('TAP is summed, and a test that logs why it cannot run is no passed one', async (t) => {
  const { TapTally } = await load('support/tally.mjs')
  const report = `TAP version 13
ok 1 - streams › an echo
ok 2 - streams › later # SKIP
not ok 3 - streams › some day # TODO
not ok 4 - streams › not ok 9 - a title
  ---
    message: 'ok 1 - streams'
  ...
ok 5 - tunnel › ping
#   skipped: needs root
ok 6 - tunnel › roaming
#   nothing was skipped: all of it ran`
  t.is(count(new TapTally(), report), '2 passed, 1 failed, 3 skipped')
  t.is(count(new TapTally(), 'ok 1 - whole'), '1 passed, 0 failed')
})

test('what is said of a failed test is kept, so that it can be said again at the end', async (t) => {
  const { CargoTally, Tally, TapTally } = await load('support/tally.mjs')
  const tap = new TapTally()
  const more = Array.from({ length: 40 }, (_, line) => `    line ${line}`).join('\n')
  count(
    tap,
    `ok 1 - whole\n# a word\nnot ok 2 - broken\n  ---\n    message: 'no'\n  ...\nok 3\nnot ok 4 - long\n${more}`,
  )
  const cargo = new CargoTally()
  count(cargo, 'test key::parse ... ok\ntest key::print ... FAILED')
  const total = new Tally()
  total.add(tap)
  total.add(cargo)
  const [broken, long, print] = total.reports
  t.deepEqual(broken, ['not ok 2 - broken', '  ---', "    message: 'no'", '  ...'])
  t.is(long.length, 25)
  t.deepEqual(print, ['test key::print ... FAILED'])
})

test('the sums of cargo test are added up', async (t) => {
  const { CargoTally } = await load('support/tally.mjs')
  const report = `test key::tests::parse ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s`
  t.is(count(new CargoTally(), report), '15 passed, 2 failed, 1 skipped')
})

test('a file that changed, came or went makes an output stale', async (t) => {
  const { fingerprint } = await load('support/stale.mjs')
  const folder = mkdtempSync(join(tmpdir(), 'midwire-stale-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const seen = () => fingerprint([folder], /\.rs$/)
  writeFileSync(join(folder, 'a.rs'), 'one')
  const first = seen()
  t.is(seen(), first)
  writeFileSync(join(folder, 'a.txt'), 'not looked at')
  t.is(seen(), first)
  writeFileSync(join(folder, 'b.rs'), 'came')
  t.not(seen(), first)
  rmSync(join(folder, 'b.rs'))
  t.is(seen(), first)
  utimesSync(join(folder, 'a.rs'), 1, 1)
  t.not(seen(), first)
})

function refused(t: ExecutionContext, args: string[], said: RegExp) {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 2)
  t.is(stdout, '')
  t.regex(stderr, said)
  t.is(stderr.trim().split('\n').length, 1)
}

for (const [wrong, said] of [
  ['--listen-port=70000', /--listen-port: "70000" is not a whole number from 0 to 65535/],
  ['--bogus', /--bogus/],
  ['dmeo', /did you mean midwire demo/],
] as const) {
  test(`npm start -- ${wrong} says one line and ends with 2`, (t) => {
    refused(t, ['scripts/start.mjs', wrong], said)
  })
}

test('the example of the WireGuard server alone refuses what is wrong in the same way', (t) => {
  refused(t, ['examples/echo.mjs', '--port=70000'], /--port 70000: a number from 0 to 65535/)
})

test('what midwire itself refuses is one line and 2 as well', (t) => {
  const program = `const { start } = await import('./examples/echo.mjs'); await start({ port: 0, host: ['nowhere'] })`
  refused(t, ['--input-type=module', '--eval', program], /"nowhere"/)
})
