// `npm test [-- rust unit e2e]`: installs what the tests need, builds, runs them all, and ends with `N passed, N failed`.
import { readdirSync } from 'node:fs'
import { build, buildTests, requireRust } from './build.mjs'
import { at, binary, follow, main, say } from './support/run.mjs'
import { watchSilence } from './support/silence.mjs'
import { CargoTally, Tally, TapTally } from './support/tally.mjs'
import { prepareEndToEnd } from './support/tools.mjs'

const total = new Tally()

/** No test of any runner is silent for longer, and no compiler on a slow machine. */
const SILENCE_MILLISECONDS = 15 * 60_000

/** The last lines of a runner that are shown where it fails and names no test. */
const LAST_LINES = 20

/** Runs one runner and adds its sums. One that fails without naming a failed test (a crash, a compile error, a process that does not end) counts as one. */
async function count(name, tally, command, args) {
  say(`${name} tests`)
  let silence
  const last = []
  const code = await follow(
    command,
    args,
    (line) => {
      silence.line()
      console.log(line)
      if (last.push(line) > LAST_LINES) last.shift()
      tally.line(line)
    },
    (child) => {
      silence = watchSilence(child, SILENCE_MILLISECONDS)
    },
  )
  silence.end()
  if (code !== 0 && tally.failed === 0) {
    tally.failed = 1
    const why = `the ${name} tests ended with exit code ${code}, and no test of theirs has failed; the last lines were:`
    tally.reports.push([why, ...last])
  }
  say(`${name}: ${tally}`)
  total.add(tally)
}

const ava = (name, files, args = []) =>
  count(name, new TapTally(), process.execPath, [binary('ava', 'ava'), '--tap', ...args, ...files])

/** Every folder of tests but the end-to-end ones, and the tests that lie beside the folders. */
function unitTests() {
  const folders = readdirSync(at('build/__test__'), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !['e2e', 'support', 'fuzz'].includes(entry.name),
  )
  return ['build/__test__/*.test.js', ...folders.map(({ name }) => `build/__test__/${name}/**/*.test.js`)]
}

const parts = {
  rust: () => count('rust', new CargoTally(), 'cargo', ['test', '--workspace', '--locked']),
  unit: () => ava('unit', unitTests()),
  e2e: async () => {
    // The tests look for themselves, and skip what cannot run; this is why nothing could be made ready.
    const reason = prepareEndToEnd()
    if (reason) say(`end-to-end tests: ${reason}`)
    // One at a time: they share the machine's network, and some measure time.
    await ava('e2e', ['build/__test__/e2e/**/*.test.js'], ['--concurrency=1', '--timeout=10m'])
  },
}

await main(async () => {
  const wanted = process.argv.slice(2)
  const unknown = wanted.find((part) => !(part in parts))
  if (unknown) {
    say(`there are no ${unknown} tests: ${Object.keys(parts).join(', ')}`)
    process.exitCode = 2
    return
  }
  requireRust()
  build()
  buildTests()
  for (const part of wanted.length ? wanted : Object.keys(parts)) await parts[part]()
  // Among two thousand lines a failed test is hard to find: what was said of it is said once more.
  if (total.reports.length > 0) say('these tests have failed:')
  for (const line of total.reports.flat()) console.log(line.slice(0, 300))
  console.log(total.toString())
  if (total.failed || total.passed === 0) process.exitCode = 1
})
