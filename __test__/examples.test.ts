// The scripts of examples/ and README.md's snippets: they type-check against the published types, and the scripts do what they say.
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import dnsPacket from 'dns-packet'
import { modeInfos, publicKey, startWireGuardServer } from '../src/index.js'
import { parseSpec } from '../src/modes/spec.js'

const run = promisify(execFile)
const typescript = readdirSync('examples').filter((name) => name.endsWith('.ts'))

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-examples-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A program that is ended with the test, and what it has printed. */
class Program {
  readonly child: ChildProcessWithoutNullStreams
  out = ''
  err = ''

  constructor(t: ExecutionContext, confdir: string, ...argv: string[]) {
    this.child = spawn(process.execPath, argv, { env: { ...process.env, MIDWIRE_CONFDIR: confdir } })
    this.child.stdout.on('data', (chunk) => {
      this.out += chunk
    })
    this.child.stderr.on('data', (chunk) => {
      this.err += chunk
    })
    t.teardown(() => this.child.kill('SIGKILL'))
  }

  /** What has been printed, once it has this; waits 20 s at most. */
  async until(what: RegExp): Promise<RegExpExecArray> {
    const end = Date.now() + 20_000
    for (;;) {
      const found = what.exec(this.out)
      if (found) return found
      if (Date.now() > end) throw new Error(`waited in vain for ${what}: ${this.out}${this.err}`)
      await new Promise((later) => setTimeout(later, 10))
    }
  }
}

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  text: string
}

/** A GET through the HTTP proxy at a port. */
async function get(port: number, url: string): Promise<Answer> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: url,
    headers: { Host: new URL(url).host },
    agent: false,
  }).end()
  const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, text }
}

/** A web page; it says in a header whether the request had X-Debug. */
async function site(t: ExecutionContext): Promise<string> {
  const server = createServer(({ headers }, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.setHeader('X-Heard', headers['x-debug'] ?? 'nothing')
    response.end('<head><title>Häuser</title></head>')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function typeChecks(t: ExecutionContext, files: readonly string[]) {
  const directory = folder(t)
  const config = {
    extends: resolve('tsconfig.json'),
    compilerOptions: {
      rootDir: '/',
      paths: { midwire: [resolve('index.d.ts')], 'midwire/api': [resolve('dist/web/client/index.d.ts')] },
      typeRoots: [resolve('node_modules/@types')],
      // Snippets stand for more than they are: `server` is there to be used further down.
      noUnusedLocals: false,
    },
    include: [],
    files,
  }
  if (process.platform === 'win32') config.compilerOptions.rootDir = resolve('/')
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  await t.notThrowsAsync(run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', directory]))
}

test('the examples type-check, and their first lines say what they are', async (t) => {
  const silent = typescript.filter((name) => !/^\/\/ \S/.test(readFileSync(join('examples', name), 'utf8')))
  t.deepEqual(silent, [])
  await typeChecks(
    t,
    typescript.map((name) => resolve('examples', name)),
  )
})

test('the snippets of README.md type-check', async (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  const snippets = [...readFileSync('README.md', 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  t.true(snippets.length >= 5)
  const files = snippets.map((code, number) => {
    const file = join(directory, `snippet${number}.ts`)
    writeFileSync(file, code)
    return file
  })
  await typeChecks(t, files)
})

test('README.md has the modes that --help has, and each mode in its commands can be started so', (t) => {
  const text = readFileSync('README.md', 'utf8')
  for (const { name, description, defaultPort } of modeInfos()) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${name}`)) ?? ''
    t.true(row.includes(` ${description} (`) && row.includes(` ${defaultPort}`), name)
  }
  const specs = [...text.matchAll(/ (?:-m|--mode) (?:'([^']+)'|([^\s`']+))/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
  t.true(specs.length > 5)
  for (const spec of specs) t.notThrows(() => parseSpec(spec), spec)
})

test('README.md and the first lines of the examples name only examples that there are', (t) => {
  const texts = ['README.md', ...typescript.map((name) => join('examples', name))].map((path) =>
    readFileSync(path, 'utf8'),
  )
  const named = texts.flatMap((text) => [...text.matchAll(/\bexamples\/([\w-]+\.\w+)/g)].map(([, name]) => name))
  const known = readdirSync('examples')
  t.deepEqual(
    named.filter((name) => name !== undefined && !known.includes(name)),
    [],
  )
})

const scripts = typescript.filter((name) => name !== 'library.ts').flatMap((name) => ['-s', resolve('examples', name)])

test('the scripts change, answer and block requests', async (t) => {
  const page = await site(t)
  const midwire = new Program(t, folder(t), 'dist/cli/main.js', '-m', 'regular@0', '--json', ...scripts)
  const port = Number((await midwire.until(/"port":(\d+).*\n/))[1])
  const changed = await get(port, page)
  t.is(changed.headers['x-heard'], '1')
  t.is(changed.headers['x-seen-by'], 'midwire')
  t.is(changed.text, '<head><title>Häuser</title><style>img { transform: rotate(180deg) }</style></head>')
  const answered = await get(port, 'http://api.example/user')
  t.is(answered.status, 200)
  t.deepEqual(JSON.parse(answered.text), { name: 'Ada', path: '/user' })
  await t.throwsAsync(get(port, 'http://www.ads.example/'), { code: 'ECONNRESET' })
})

test('a script has an option of its own', async (t) => {
  const script = resolve('examples/header-option.ts')
  const page = await site(t)
  const start = (...argv: string[]) =>
    new Program(t, folder(t), 'dist/cli/main.js', '-m', 'regular@0', '--json', '-s', script, ...argv)
  const midwire = start('--set', 'seen_header=X-When')
  const port = Number((await midwire.until(/"port":(\d+).*\n/))[1])
  t.regex(String((await get(port, page)).headers['x-when']), /^20\d\d-/)
  const refused = start('--set', 'seen_header=no header')
  const [code] = await once(refused.child, 'close')
  t.is(code, 2)
  t.regex(refused.err, /^midwire: addon .*header-option\.ts refuses the options: seen_header: no header is no name/)
})

test('the scripts log and block names in the tunnel', async (t) => {
  const confdir = folder(t)
  const midwire = new Program(t, confdir, 'dist/cli/main.js', '-m', 'wireguard@127.0.0.1:0', '--json', ...scripts)
  const port = Number((await midwire.until(/"port":(\d+).*\n/))[1])
  const keys = JSON.parse(readFileSync(join(confdir, 'wireguard.conf'), 'utf8'))
  const answers: dnsPacket.Packet[] = []
  const client = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: keys.client_key,
    addresses: ['10.0.0.1'],
    peers: [{ publicKey: publicKey(keys.server_key), endpoint: `127.0.0.1:${port}`, allowedIps: ['0.0.0.0/0'] }],
    onDatagram: (datagram) => answers.push(dnsPacket.decode(datagram.data)),
  })
  t.teardown(() => client.close())
  for (const [id, name] of ['mitm.it', 'www.ads.example'].entries()) {
    const query = dnsPacket.encode({ type: 'query', id, flags: 0x100, questions: [{ type: 'A', name }] })
    client.sendDatagram(query, { address: '10.0.0.1', port: 4000 + id }, { address: '10.0.0.53', port: 53 })
  }
  await midwire.until(/^default {2}A mitm\.it {2}10\.0\.0\.53$/m)
  await midwire.until(/^default {2}A www\.ads\.example {2}nothing$/m)
  while (answers.length < 2) await new Promise((later) => setTimeout(later, 10))
  // dns-packet has it, its types do not.
  const rcode = (id: number) => (answers.find((one) => one.id === id) as { rcode?: string } | undefined)?.rcode
  t.is(rcode(0), 'NOERROR')
  t.is(rcode(1), 'NXDOMAIN')
})

test('the library shows each flow, and ends', async (t) => {
  const program = new Program(t, folder(t), resolve('node_modules/jiti/lib/jiti-cli.mjs'), 'examples/library.ts', '0')
  const port = Number((await program.until(/http:\/\/127\.0\.0\.1:(\d+)/))[1])
  t.is((await get(port, await site(t))).headers['x-heard'], '1')
  await program.until(/^GET http:\/\/127\.0\.0\.1:\d+\/ -> 200, 35 bytes$/m)
  if (process.platform === 'win32') return
  program.child.kill('SIGINT')
  await program.until(/^closed$/m)
})
