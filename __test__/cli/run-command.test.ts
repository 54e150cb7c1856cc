// `midwire run -- CMD`: the command is led through the proxy, and its input, output and exit code stay its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'

const bin = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const posix = process.platform === 'win32' ? test.skip : test

interface Ended {
  code: number | null
  out: string
  err: string
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-run-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts `midwire run`. `printed` is called with what the command has printed so far. */
async function midwireRun(
  t: ExecutionContext,
  argv: string[],
  { input = '', printed = () => {} }: { input?: string; printed?: (out: string, pid: number) => void } = {},
): Promise<Ended> {
  const env = { ...process.env, MIDWIRE_CONFDIR: folder(t) }
  const child = spawn(process.execPath, [bin, 'run', ...argv], { env })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    ended.out += chunk
    printed(ended.out, child.pid ?? 0)
  })
  child.stderr.on('data', (chunk) => {
    ended.err += chunk
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { ...ended, code }
}

const node = (code: string) => ['--', process.execPath, '--input-type=module', '-e', code]

/** A program that knows nothing of midwire: it reads a URL from its stdin, asks for it, and prints the answer. */
const client = `
import { EnvHttpProxyAgent, fetch } from 'undici'
let url = ''
for await (const chunk of process.stdin) url += chunk
const answer = await fetch(url, { dispatcher: new EnvHttpProxyAgent() })
console.log(await answer.text())
console.error('a line of the program')
process.exitCode = 3`

async function site(t: ExecutionContext): Promise<string> {
  const { pem, keyPem } = certificate({ names: ['localhost'] })
  const server = createServer({ cert: pem, key: keyPem }, (_, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return `https://localhost:${(server.address() as AddressInfo).port}/page`
}

test('a program is led through the proxy and trusts it; stdout and the exit code are its own, flows are on stderr', async (t) => {
  const url = await site(t)
  const { code, out, err } = await midwireRun(t, ['-k', ...node(client)], { input: url })
  t.is(out, 'hello\n', err)
  t.is(code, 3)
  t.regex(err, /a line of the program/)
  t.regex(err, new RegExp(`GET ${url}`))
})

test('flows go to a file, as JSON lines', async (t) => {
  const url = await site(t)
  const file = join(folder(t), 'flows.jsonl')
  const { err } = await midwireRun(t, ['-k', '--json', '--output', file, ...node(client)], { input: url })
  t.notRegex(err, /GET|"event"/)
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.is(lines[0].event, 'ready')
  t.true(lines.some(({ request }) => request?.url === url))
})

test('the exit codes are those of shells', async (t) => {
  t.is((await midwireRun(t, node('process.exit(7)'))).code, 7)
  const none = await midwireRun(t, ['--', 'no-such-command-here'])
  t.is(none.code, 127)
  t.is(none.err, 'midwire: no-such-command-here cannot be run: there is no such command\n')
  const nothing = await midwireRun(t, [])
  t.is(nothing.code, 2)
  t.regex(nothing.err, /^midwire: midwire run wants a command: midwire run -- npm test\n$/)
  const nowhere = await midwireRun(t, ['--output', '/not/there/flows', ...node('0')])
  t.is(nowhere.code, 2)
  t.regex(nowhere.err, /^midwire: --output \/not\/there\/flows: ENOENT/)
})

posix('signals are passed on, and a command that one has ended gives 128 and its number', async (t) => {
  const waiting = `process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('waiting')`
  const asked = await midwireRun(t, node(waiting), {
    printed: (out, pid) => out.includes('waiting') && process.kill(pid, 'SIGTERM'),
  })
  t.is(asked.code, 9)
  t.is((await midwireRun(t, node(`process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)`))).code, 137)
})
