// The examples of tests that need more than this clone has: Chromium, by Playwright, and vitest.
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { chromium, vitest, vitestFolder } from './support/skip.js'

const run = promisify(execFile)

function environment(t: ExecutionContext, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-examples-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  return { ...process.env, MIDWIRE_CONFDIR: confdir, ...more }
}

test.serial('Playwright: pages of a site that does not exist', async (t) => {
  if (!chromium) {
    t.log('skipped: needs chromium')
    t.pass()
    return
  }
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples/tests'])
  const env = environment(t, { MIDWIRE_CHROMIUM: chromium })
  const { stdout } = await run(
    process.execPath,
    ['--test', '--test-reporter=tap', 'build/examples/tests/playwright.js'],
    { env },
  )
  t.regex(stdout, /^# pass 2$/m)
  t.regex(stdout, /^# fail 0$/m)
})

test.serial('vitest', async (t) => {
  if (!existsSync(vitest)) {
    t.log('skipped: needs vitest in .cache/vitest (npm test -- e2e)')
    t.pass()
    return
  }
  const folder = join(vitestFolder, 'midwire')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['vitest.test.ts', 'shop.ts']) copyFileSync(join('examples/tests', name), join(folder, name))
  symlinkSync(resolve('.'), join(folder, 'node_modules', 'midwire'))
  const { stdout } = await run(process.execPath, [vitest, 'run', '--reporter=json', '--root', folder], {
    env: environment(t),
  })
  const { numPassedTests, numFailedTests } = JSON.parse(stdout.slice(stdout.indexOf('{')))
  t.deepEqual([numPassedTests, numFailedTests], [2, 0])
})
