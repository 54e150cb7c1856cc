// index.d.ts, which is published, is what src/index.ts says.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)

test('index.d.ts is rolled up from the sources as they are', async (t) => {
  await t.notThrowsAsync(run(process.execPath, ['scripts/types.mjs', '--check']))
})
