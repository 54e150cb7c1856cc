// The command as a process: what is on its stdout, how it ends, and what cannot end it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const bin = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const posix = process.platform === 'win32' ? test.skip : test

interface Ready {
  listeners: { spec: string; mode: string; host: string; port: number; transport: string }[]
  peers: { name: string; publicKey: string; addresses: string[] }[]
}

class Run {
  readonly child: ChildProcessWithoutNullStreams
  out = ''
  err = ''

  constructor(t: ExecutionContext, ...argv: string[]) {
    this.child = spawn(process.execPath, [bin, ...argv], { env: { ...process.env, MIDWIRE_CONFDIR: confdir(t) } })
    this.child.stdout.on('data', (chunk) => {
      this.out += chunk
    })
    this.child.stderr.on('data', (chunk) => {
      this.err += chunk
    })
    t.teardown(() => this.child.kill('SIGKILL'))
  }

  /** Waits until stdout or stderr has it, for 60 s at most: the machine may be busy. */
  async until(what: RegExp): Promise<void> {
    const end = Date.now() + 60_000
    while (!what.test(this.out) && !what.test(this.err)) {
      if (Date.now() > end) throw new Error(`waited in vain for ${what}: ${this.out}${this.err}`)
      await new Promise((later) => setTimeout(later, 10))
    }
  }

  async ready(): Promise<Ready> {
    await this.until(/\n/)
    return JSON.parse(this.out.split('\n')[0] ?? '')
  }

  /** What it ends with: its code, or the signal. */
  async end(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
    return this.child.exitCode ?? this.child.signalCode ?? 'nothing'
  }
}

function confdir(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-process-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function upstream(t: ExecutionContext): Promise<number> {
  const server = createServer((_, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A request through the proxy at a port. */
async function ask(port: number, url: string): Promise<number | undefined> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: url,
    headers: { host: new URL(url).host },
    agent: false,
  }).end()
  const [response] = await once(asked, 'response')
  response.resume()
  await once(response, 'close')
  return response.statusCode
}

const fields = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('--json: stdout has the ready line, then a line for each flow, and nothing else', async (t) => {
  const run = new Run(t, '--json', '-m', 'wireguard@127.0.0.1:0', '-m', 'regular@0')
  const ready = await run.ready()
  t.deepEqual(
    ready.listeners.map(({ spec, mode, transport }) => [spec, mode, transport]),
    [
      ['wireguard@127.0.0.1:0', 'wireguard', 'udp'],
      ['regular@0', 'regular', 'tcp'],
    ],
  )
  t.like(ready.peers[0], { name: 'default', addresses: ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'] })
  const port = ready.listeners[1]?.port ?? 0
  const site = await upstream(t)
  t.is(await ask(port, `http://127.0.0.1:${site}/path?q`), 200)
  await run.until(/"event":"flow"/)
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  const [, flow, ...rest] = fields(run.out)
  t.like(flow, { event: 'flow', type: 'http', error: null })
  t.like(flow.request, { method: 'GET', url: `http://127.0.0.1:${site}/path?q` })
  t.like(flow.response, { status: 200, bodyLength: 5, bodyTruncated: false })
  t.deepEqual(rest, [])
})

test('a line a flow on stdout; what is no flow on stderr, and no key or colour without a terminal', async (t) => {
  const run = new Run(t, '-m', 'wireguard@127.0.0.1:0', '-m', 'regular@0')
  await run.until(/regular listens on TCP 127\.0\.0\.1:(\d+)\n/)
  const [, port] = /regular listens on TCP 127\.0\.0\.1:(\d+)/.exec(run.err) ?? []
  const site = await upstream(t)
  await ask(Number(port), `http://127.0.0.1:${site}/`)
  await run.until(/GET/)
  run.child.kill('SIGINT')
  t.is(await run.end(), 0)
  t.regex(run.out, /^127\.0\.0\.1:\d+: GET http:\/\/127\.0\.0\.1:\d+\/ << 200 OK 5b \d+ms\n$/)
  t.regex(run.err, /midwire wg show/)
  for (const secret of ['PrivateKey', '█', '\x1b']) t.false((run.out + run.err).includes(secret))
})

test("a conf dir of mitmproxy's: what midwire does not have is a warning", async (t) => {
  const folder = confdir(t)
  writeFileSync(join(folder, 'config.yaml'), 'web_theme: dark\nconsole_palette: dark\nflow_detail: 2\n')
  const run = new Run(t, '--json', '-m', 'regular@0', '--confdir', folder)
  await run.until(/"event":"ready".*\n/)
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  const lines = run.err.split('\n').filter((line) => line.includes('is left out'))
  t.is(lines.length, 2)
  t.true(
    lines[0]?.endsWith(
      `${join(folder, 'config.yaml')}:1: web_theme is left out: mitmweb's page has this option, and midwire's has not`,
    ),
  )
})

test('options that a script defines, in config.yaml and in --set; what it does not define has its line', async (t) => {
  const folder = confdir(t)
  const script = join(folder, 'tell.mjs')
  const definition = (type: string, value: string) => `{ type: '${type}', default: ${value}, help: '' }`
  writeFileSync(
    script,
    `export const options = { words: ${definition('strings', '[]')}, many: ${definition('integer', '1')} }
export function configure({ options, changed }) { console.error('told', options.words.join('+'), options.many) }`,
  )
  const config = (text: string) => writeFileSync(join(folder, 'config.yaml'), `scripts: [tell.mjs]\n${text}`)
  config('many: 5\nwords: [no]\n')
  const run = new Run(t, '--json', '-m', 'regular@0', '--confdir', folder, '--set', 'words=a', '--set', 'words=b')
  await run.until(/"event":"ready".*\n/)
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  t.regex(run.err, /^told a\+b 5$/m)
  for (const [text, said] of [
    ['\nmayn: 5\n', /config\.yaml:3: unknown option `mayn`, did you mean `many`\?\n$/],
    ['many: lots\n', /config\.yaml:2: many: "lots" is not a whole number/],
  ] as const) {
    config(text)
    const failed = new Run(t, '--json', '-m', 'regular@0', '--confdir', folder)
    t.is(await failed.end(), 2)
    t.regex(failed.err, said)
  }
})

test('a port that is taken is one line, a suggestion and 1', async (t) => {
  const taken = createTcpServer()
  await once(taken.listen(8080, '127.0.0.1'), 'listening').catch(() => {})
  t.teardown(() => taken.close())
  const run = new Run(t, '-m', 'regular')
  t.is(await run.end(), 1)
  t.is(
    run.err,
    'midwire: TCP 127.0.0.1:8080 is in use (try --mode regular@8082): ' +
      'end the program that has it, or choose another port (0 takes a free one)\n',
  )
  t.is(run.out, '')
})

test('a wrong configuration is one line with its place and 2, and no port is opened', async (t) => {
  const folder = confdir(t)
  writeFileSync(join(folder, 'config.yaml'), '# mine\n\nflow_detial: 2\n')
  const run = new Run(t, '--confdir', folder, '-m', 'regular@0')
  t.is(await run.end(), 2)
  t.is(
    run.err,
    `midwire: ${join(folder, 'config.yaml')}:3: unknown option \`flow_detial\`, did you mean \`flow_detail\`?\n`,
  )
})

posix('SIGTERM ends it at once, also with open connections and a closed stdin', async (t) => {
  const run = new Run(t, '--json', '-m', 'regular@0')
  run.child.stdin.end()
  const { listeners } = await run.ready()
  const socket = connect(listeners[0]?.port ?? 0, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write('GET http://127.0.0.1/ HT')
  await new Promise((later) => setTimeout(later, 100))
  const begin = Date.now()
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  t.true(Date.now() - begin < 3000)
})

posix('a second signal ends it whatever an addon does, with the code of the signal', async (t) => {
  const folder = confdir(t)
  const script = join(folder, 'slow.mjs')
  writeFileSync(script, 'export const done = () => new Promise(() => setInterval(() => {}, 1000))')
  const run = new Run(t, '--json', '-m', 'regular@0', '-s', script)
  await run.ready()
  run.child.kill('SIGINT')
  await new Promise((later) => setTimeout(later, 500))
  run.child.kill('SIGINT')
  t.is(await run.end(), 130)
})

posix('an addon that never finishes holds the end up for 5 s at most', async (t) => {
  const folder = confdir(t)
  const script = join(folder, 'slow.mjs')
  writeFileSync(script, 'export const done = () => new Promise(() => setInterval(() => {}, 1000))')
  const run = new Run(t, '--json', '-m', 'regular@0', '-s', script)
  await run.ready()
  const begin = Date.now()
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  t.true(Date.now() - begin < 7000)
})

test('what an addon leaves unhandled is logged with its name, and the proxy lives on', async (t) => {
  const folder = confdir(t)
  const script = join(folder, 'bad.mjs')
  writeFileSync(
    script,
    `export function running() {
  Promise.reject(new Error('nobody waits for me'))
  setTimeout(() => { throw new Error('nobody catches me') }, 10)
}`,
  )
  const run = new Run(t, '--json', '-m', 'regular@0', '-s', script)
  const { listeners } = await run.ready()
  await run.until(/nobody catches me/)
  const lines = run.err.trimEnd().split('\n')
  t.is(lines.length, 2)
  for (const line of lines) t.true(line.includes(`addon ${script}: `), line)
  const site = await upstream(t)
  t.is(await ask(listeners[0]?.port ?? 0, `http://127.0.0.1:${site}/`), 200)
})

const flowFile = fileURLToPath(new URL('../../../__test__/formats/mitmproxy-12.flow', import.meta.url))

test('flows that are read are shown, and then it ends; with a file that is broken it ends with 1', async (t) => {
  const copy = join(confdir(t), 'copy.flow')
  const run = new Run(t, '--json', '-m', 'regular@0', '-r', flowFile, '-w', copy, '~tcp')
  t.is(await run.end(), 0)
  const events = run.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.deepEqual(
    events.map(({ event, type }) => type ?? event),
    ['ready', 'tcp', 'tcp'],
  )
  const again = new Run(t, '-q', '-m', 'regular@0', '-r', '-')
  again.child.stdin.end(readFileSync(copy).subarray(0, 2000))
  t.is(await again.end(), 1)
  t.regex(again.err, /stdin: byte \d+: the flow is cut short/)
})

test('a HAR of a flow file on stdout', async (t) => {
  const run = new Run(t, '-q', '-m', 'regular@0', '-r', flowFile, '--hardump', '-')
  t.is(await run.end(), 0)
  t.is(JSON.parse(run.out).log.entries.length, 3)
})

posix('keepserving: it goes on after the file; a signal finishes what is written', async (t) => {
  const har = join(confdir(t), 'a.har')
  const run = new Run(t, '--json', '-m', 'regular@0', '-r', flowFile, '--hardump', har, '--keepserving')
  await run.until(/"type":"dns".*\n.*"type":"dns".*\n.*"type":"dns"/)
  const { listeners } = await run.ready()
  const site = await upstream(t)
  t.is(await ask(listeners[0]?.port ?? 0, `http://127.0.0.1:${site}/`), 200)
  run.child.kill('SIGTERM')
  t.is(await run.end(), 0)
  t.is(JSON.parse(readFileSync(har, 'utf8')).log.entries.length, 4)
})

const linux = process.platform === 'linux' ? test : test.skip

linux('a full disk under stdout is said once, ends no traffic, and is 1 in the end', async (t) => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const env = { ...process.env, MIDWIRE_CONFDIR: confdir(t) }
  const [helped] = await once(spawn(process.execPath, [bin, '--help'], { stdio: ['ignore', full, 'ignore'] }), 'close')
  t.is(helped, 1)
  const child = spawn(process.execPath, [bin, '-m', 'regular@0'], { env, stdio: ['ignore', full, 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let err = ''
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  while (!/TCP 127\.0\.0\.1:\d+\n/.test(err)) await once(child.stderr ?? child, 'data')
  const port = Number(/TCP 127\.0\.0\.1:(\d+)\n/.exec(err)?.[1])
  const site = await upstream(t)
  for (let count = 0; count < 3; count++) t.is(await ask(port, `http://127.0.0.1:${site}/`), 200)
  child.kill('SIGTERM')
  const [code] = await once(child, 'close')
  t.is(code, 1)
  t.is(err.match(/midwire: stdout cannot be written to, and its output is lost: .*ENOSPC/g)?.length, 1)
})

posix('a reader that goes away ends it quietly', async (t) => {
  const run = new Run(t, '--json', '-m', 'regular@0')
  const { listeners } = await run.ready()
  run.child.stdout.destroy()
  const site = await upstream(t)
  await ask(listeners[0]?.port ?? 0, `http://127.0.0.1:${site}/`)
  await ask(listeners[0]?.port ?? 0, `http://127.0.0.1:${site}/`).catch(() => {})
  t.is(await run.end(), 0)
  t.is(run.err, '')
})
