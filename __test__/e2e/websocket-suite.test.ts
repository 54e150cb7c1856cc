// Autobahn's test suite of WebSocket through `reverse`: what the suite's clients send to an echo server, and its server to a client.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type * as WebSocketProgram from './programs/websocket.js'
import { Midwire, plainEnvironment } from './support/midwire.js'
import { run, start, stop } from './support/processes.js'
import { Remote } from './support/remote.js'
import { endsWell } from './support/scene.js'
import { autobahnFolder, wstest } from './support/skip.js'
import { suite } from './support/suite.js'
import { until } from './support/wait.js'

const at = { echo: 9001, suite: 9002 } as const
/** Where midwire listens in front of each. */
const front = { echo: 9101, suite: 9102 } as const

/** Those of performance (9) and of compression (12 and 13) take an hour where the machine is slow. */
const EXCLUDED = ['9.*', '12.*', '13.*']
const CASES = 247

const environment = plainEnvironment({ PYTHONUSERBASE: autobahnFolder, PYTHONUNBUFFERED: '1' })

const check = suite(['midwire', 'autobahn'], async ({ server }) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const modes = (['echo', 'suite'] as const).map((name) => `reverse:http://127.0.0.1:${at[name]}@${front[name]}`)
  const midwire = await Midwire.start(
    server,
    join(folder, 'conf'),
    modes.flatMap((mode) => ['-m', mode]),
  )
  const ws = await Remote.start<typeof WebSocketProgram>(server, 'websocket')
  return { namespace: server, folder, midwire, ws }
})

/** A specification of the suite's, as a file; its report will be in `${name}/index.json`. */
function specify(folder: string, name: string, more: object): string {
  const file = join(folder, `${name}.json`)
  const cases = { cases: ['*'], 'exclude-cases': EXCLUDED, 'exclude-agent-cases': {} }
  writeFileSync(file, JSON.stringify({ outdir: join(folder, name), ...cases, ...more }))
  return file
}

interface Result {
  behavior: string
  behaviorClose: string
}

/** What the suite takes for right: INFORMATIONAL are cases without a right answer, NON-STRICT those that failed earlier than is best. */
const RIGHT = ['OK', 'NON-STRICT', 'INFORMATIONAL']

function passes(t: ExecutionContext, folder: string, name: string): void {
  const report = JSON.parse(readFileSync(join(folder, name, 'index.json'), 'utf8')) as {
    midwire?: Record<string, Result>
  }
  const results = Object.entries(report.midwire ?? {})
  const wrong = results.filter(([, one]) => !RIGHT.includes(one.behavior) || !RIGHT.includes(one.behaviorClose))
  t.deepEqual(wrong, [])
  t.is(results.length, CASES)
  const count = (word: string) => results.filter(([, { behavior }]) => behavior === word).length
  t.log(RIGHT.map((word) => `${count(word)} ${word}`).join(', '))
  // A message before the fault is not echoed where both come at once: midwire ends the WebSocket before the server can answer.
  t.true(count('NON-STRICT') <= 10, `${count('NON-STRICT')} NON-STRICT`)
}

check('the clients of the suite against an echo server', async (t, { namespace, folder, ws }) => {
  await ws.call('serve', at.echo)
  const servers = [{ agent: 'midwire', url: `ws://127.0.0.1:${front.echo}` }]
  const file = specify(folder, 'clients', { servers })
  const command = namespace.command(wstest, '-m', 'fuzzingclient', '-s', file)
  const { code, stderr } = await run('ip', command, { timeout: 300_000, env: environment })
  t.is(code, 0, stderr)
  passes(t, folder, 'clients')
})

check('a client against the server of the suite', async (t, { namespace, folder, ws }) => {
  const file = specify(folder, 'server', { url: `ws://127.0.0.1:${at.suite}` })
  const command = namespace.command(wstest, '-m', 'fuzzingserver', '-u', '0', '-s', file)
  let output = ''
  const server = start('ip', command, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  await until(30_000, 'the suite to listen', () => output.includes('Ok, will run'))
  t.is(await ws.callFor(300_000, 'runCases', `ws://127.0.0.1:${front.suite}`, 'midwire'), CASES)
  await stop(server)
  passes(t, folder, 'server')
})

endsWell(check)
