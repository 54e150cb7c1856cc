// The examples of tests (examples/tests): they type-check, and their tests pass: node:test's here, those of a browser and of vitest in e2e/.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)

test('the example for node:test type-checks, and its tests pass', async (t) => {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-examples-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples/tests'])
  const env = { ...process.env, MIDWIRE_CONFDIR: confdir }
  const { stdout } = await run(
    process.execPath,
    ['--test', '--test-reporter=tap', 'build/examples/tests/node-test.js'],
    { env },
  )
  t.regex(stdout, /^# pass 5$/m)
  t.regex(stdout, /^# fail 0$/m)
})
