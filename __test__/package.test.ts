// The packages as they are published: packed, installed in an empty folder, and run there without Rust on every Node.
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)

interface Manifest {
  name: string
  version: string
  main?: string
  files?: string[]
  os?: string[]
  cpu?: string[]
  libc?: string[]
  engines?: Record<string, string>
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const platforms = readdirSync('npm').sort()
const main = manifest('.')

/** npm with this very Node; npm tells its path to whatever it starts. */
async function npm(args: string[], cwd: string): Promise<string> {
  const cli = process.env.npm_execpath
  const windows = process.platform === 'win32'
  const { stdout } = cli
    ? await run(process.execPath, [cli, ...args], { cwd })
    : await run(windows ? 'npm.cmd' : 'npm', args, { cwd, shell: windows })
  return stdout
}

async function pack(folder: string, destination: string): Promise<{ tarball: string; files: string[] }> {
  const report = JSON.parse(
    await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination], folder),
  )
  const [packed] = Object.values(report) as { filename: string; files: { path: string }[] }[]
  if (!packed) throw new Error('npm pack reported nothing')
  return { tarball: join(destination, packed.filename), files: packed.files.map(({ path }) => path).sort() }
}

/** The addon that was built for this machine, and the platform package that it belongs into. */
function ownPlatform(): { addon: string; platform: string } {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const libc =
    { linux: report.header?.glibcVersionRuntime ? '-gnu' : '-musl', win32: '-msvc' }[process.platform as string] ?? ''
  const platform = `${process.platform}-${process.arch}${libc}`
  return { addon: join('dist/native', `midwire.${platform}.node`), platform }
}

const program = `
import { generatePrivateKey, publicKey, startWireGuardServer } from 'midwire'
const peers = [{ publicKey: publicKey(generatePrivateKey()) }]
const server = await startWireGuardServer({ host: '127.0.0.1', port: 0, privateKey: generatePrivateKey(), peers })
if (!(server.port > 0)) throw new Error('no port')
await server.close()
await server.closed
console.log('served on Node', process.versions.node)
`

let folder = ''
let mainFiles: string[] = []

test.before('pack both and install them in an empty folder', async (t) => {
  t.timeout(120_000)
  folder = mkdtempSync(join(tmpdir(), 'midwire-package-'))
  const { addon, platform } = ownPlatform()
  const copy = join(folder, 'platform')
  cpSync(join('npm', platform), copy, { recursive: true })
  cpSync(addon, join(copy, basename(addon)))
  const native = await pack(copy, folder)
  const whole = await pack(resolve('.'), folder)
  mainFiles = whole.files
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  writeFileSync(join(empty, 'package.json'), '{ "private": true, "type": "module" }')
  writeFileSync(join(empty, 'program.js'), program)
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', native.tarball, whole.tarball], empty)
})

test.after.always('the folder goes', () => {
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** Runs the program with nothing on PATH: no Rust, no npm, no compiler. */
async function serve(t: import('ava').ExecutionContext, node: string) {
  const { stdout } = await run(node, ['program.js'], { cwd: join(folder, 'empty'), env: { PATH: '' }, timeout: 60_000 })
  t.regex(stdout, /^served on Node \d+/)
}

test('the installed packages serve on the Node that runs us', async (t) => {
  await serve(t, process.execPath)
})

const apiProgram = `
import { ApiFailure, createClient, type Flow, type MidwireApi } from 'midwire/api'
const api: MidwireApi = createClient({ url: 'http://127.0.0.1:8081', token: 'secret' })
export const firstOf = async (filter: string): Promise<Flow | undefined> => {
  const { rows } = await api.listFlows({ filter, sort: 'size', limit: 1 })
  return rows[0] && api.getFlow({ id: rows[0].id })
}
// @ts-expect-error flows have no such order
export const refused = api.listFlows({ sort: 'beauty' }).catch((error: unknown) => error instanceof ApiFailure && error.status)
`

test('midwire/api is a client with types of its own', async (t) => {
  const project = join(folder, 'empty')
  writeFileSync(join(project, 'api.ts'), apiProgram)
  const compiler = resolve('node_modules', 'typescript', 'bin', 'tsc')
  const flags = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--noEmit', '--skipLibCheck', 'false']
  await t.notThrowsAsync(run(process.execPath, [compiler, ...flags, '--types', '', 'api.ts'], { cwd: project }))
  const script =
    "import('midwire/api').then(({ createClient }) => console.log(typeof createClient({ url: 'http://127.0.0.1:1' }).listFlows))"
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: project })
  t.is(stdout.trim(), 'function')
})

const system = process.platform === 'win32' ? 'win' : process.platform
for (const major of ['20', '22', '24', '26'].filter((major) => !process.versions.node.startsWith(`${major}.`))) {
  test.serial(`the installed packages serve on Node ${major}`, async (t) => {
    t.timeout(600_000)
    const name = `node-${system}-${process.arch}`
    const home = resolve('.cache', `node-${major}`)
    const node = join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (!existsSync(node)) {
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, 'package.json'), '{ "private": true }')
      try {
        await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `${name}@${major}`], home)
      } catch (error) {
        t.log(`skipped: Node ${major} cannot be had: ${String(error).split('\n')[0]}`)
        t.pass()
        return
      }
    }
    await serve(t, node)
  })
}

test('the main package holds the compiled library, its types and the papers, and no addon', (t) => {
  const allowed =
    /^(dist\/.+\.(js|js\.map|cjs)|dist\/web\/(client\/index\.d\.ts|app\/index\.html(\.br|\.gz)?|app\/assets\/[^/]+\.(css|js)(\.br|\.gz)?)|index\.d\.ts|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
  t.deepEqual(
    mainFiles.filter((path) => !allowed.test(path)),
    [],
  )
  const wanted = [
    'dist/index.js',
    'dist/native/binding.cjs',
    'dist/web/app/index.html',
    'dist/web/client/index.d.ts',
    'index.d.ts',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
  ]
  t.deepEqual(
    wanted.filter((path) => !mainFiles.includes(path)),
    [],
  )
})

test('the addon weighs at most 2.9 MB', (t) => {
  t.true(statSync(ownPlatform().addon).size <= 2_900_000)
})

test('the page is in the package', (t) => {
  t.true(mainFiles.filter((path) => path.startsWith('dist/web/app/')).length >= 3)
})

test('nothing runs when the packages are installed', (t) => {
  const atInstall = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare', 'prepublish']
  for (const { name, scripts = {} } of [main, ...platforms.map((platform) => manifest(join('npm', platform)))]) {
    t.deepEqual(
      atInstall.filter((event) => event in scripts),
      [],
      name,
    )
  }
  // Its presence alone would make npm start a compiler.
  t.false(existsSync('binding.gyp'))
  // Each of them is in ARCHITECTURE.md's list, and has no compiler or script of its own.
  t.deepEqual(Object.keys(main.dependencies ?? {}), [
    '@modelcontextprotocol/server',
    '@valibot/to-json-schema',
    'bcryptjs',
    'jiti',
    'selfsigned',
    'uqr',
    'valibot',
    'ws',
    'yaml',
  ])
})

test('there is one platform package for each target, and each says where it runs', (t) => {
  t.deepEqual(platforms, [
    'darwin-arm64',
    'darwin-x64',
    'linux-arm64-gnu',
    'linux-arm64-musl',
    'linux-x64-gnu',
    'linux-x64-musl',
    'win32-arm64-msvc',
    'win32-x64-msvc',
  ])
  t.regex(readFileSync('Cargo.toml', 'utf8'), new RegExp(`^version = "${main.version}"$`, 'm'))
  for (const platform of platforms) {
    const own = manifest(join('npm', platform))
    const [os = '', cpu = '', libc] = platform.split('-')
    t.is(own.name, `@midwire/binding-${platform}`)
    t.is(own.version, main.version)
    t.deepEqual([own.os, own.cpu], [[os], [cpu]])
    t.deepEqual(own.libc, os === 'linux' ? [libc === 'gnu' ? 'glibc' : 'musl'] : undefined)
    t.deepEqual(own.files, [`midwire.${platform}.node`, 'THIRD-PARTY.md'])
    t.is(own.main, `midwire.${platform}.node`)
    t.deepEqual(own.engines, main.engines)
  }
})

test('the lock file names the tools of every platform, so that `npm ci` works on each', async (t) => {
  await t.notThrowsAsync(run(process.execPath, ['scripts/lock.mjs', '--check']))
})
