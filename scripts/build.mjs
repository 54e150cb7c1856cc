// `npm run build`: the addon in release mode and the TypeScript, each only when it is stale.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { installPackages } from './support/install.mjs'
import { at, binary, Complaint, main, npm, output, run, say } from './support/run.mjs'
import { refresh } from './support/stale.mjs'

const addons = () => readdirSync(at('src/native')).filter((name) => name.endsWith('.node'))

export function requireRust() {
  const [, version, major, minor] = output('cargo', ['--version'])?.match(/^cargo ((\d+)\.(\d+)\S*)/) ?? []
  if (Number(major) > 1 || Number(minor) >= 91) return
  const found = version ? `cargo ${version} was found` : 'cargo was not found'
  throw new Complaint(
    `Rust 1.91 or newer is needed to build the addon, and ${found}. Install it from https://rustup.rs and start again.`,
  )
}

/** The addon, as it is published: `src/native/midwire.<platform>.node` with its generated loader and types. */
export function buildAddon() {
  const inputs = ['Cargo.toml', 'Cargo.lock', 'build.rs', 'src/wire', 'src/tls', 'src/native'].map((path) => at(path))
  refresh('addon', { inputs, matches: /\.(rs|toml|lock)$/, made: () => addons().length > 0 }, () => {
    requireRust()
    say('building the addon in release mode (about a minute on the first start)')
    npm(['run', '--silent', 'addon'])
  })
}

/** Puts the addon and its loader beside the compiled TypeScript. By a rename: a running process keeps the file it has. */
function copyAddon(directory) {
  mkdirSync(directory, { recursive: true })
  for (const name of ['binding.cjs', ...addons()]) {
    copyFileSync(at('src/native', name), join(directory, `${name}.new`))
    renameSync(join(directory, `${name}.new`), join(directory, name))
  }
}

function buildTypeScript(project, outputDirectory, sources, nativeDirectory) {
  const inputs = ['package.json', 'tsconfig.json', project, ...sources].map((path) => at(path))
  refresh(project, { inputs, matches: /\.(ts|cts|json)$/, made: () => existsSync(at(outputDirectory)) }, () => {
    say(`compiling ${sources.join(' and ')} to ${outputDirectory}`)
    rmSync(at(outputDirectory), { recursive: true, force: true })
    run(process.execPath, [binary('typescript', 'tsc'), '-p', project])
  })
  const made = () => ['binding.cjs', ...addons()].every((name) => existsSync(at(nativeDirectory, name)))
  const native = { inputs: [at('src/native')], matches: /\.(node|cjs)$/, made }
  refresh(`${project}.native`, native, () => copyAddon(at(nativeDirectory)))
}

/** The page of `midwire web`: after the TypeScript, whose compilation empties `dist`. */
export function buildPage() {
  const folder = 'src/web/app'
  const inputs = ['package-lock.json', 'index.html', 'vite.config.ts', 'src'].map((name) => at(folder, name))
  const made = () => existsSync(at('dist/web/app/index.html'))
  refresh('page', { inputs, matches: /./, made }, () => {
    installPackages(folder)
    say('building the page')
    run(process.execPath, [binary('vite', 'vite', folder), 'build', '--logLevel', 'warn'], { cwd: at(folder) })
    compress(at('dist/web/app'))
  })
}

/** Puts the compressed forms of each file beside it: the server gives them to browsers that take them. */
function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const bytes = readFileSync(file)
    writeFileSync(`${file}.br`, brotliCompressSync(bytes))
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  }
}

/** The types of `midwire/api`: from the compiled sources, since they are made from the document that those make. */
function buildApiTypes() {
  const inputs = ['src/web', 'scripts/api-types.mjs', 'scripts/support'].map((path) => at(path))
  const made = () => existsSync(at('dist/web/client/index.d.ts'))
  refresh('api types', { inputs, matches: /\.(ts|mjs)$/, made }, () => {
    run(process.execPath, [at('scripts/api-types.mjs')])
  })
}

/** Everything that is published. */
export function build() {
  installPackages()
  buildAddon()
  buildTypeScript('tsconfig.build.json', 'dist', ['src'], 'dist/native')
  buildApiTypes()
  buildPage()
  // npm does the same where it installs the package.
  chmodSync(at('dist/cli/main.js'), 0o755)
}

/** The tests, with the sources that they test. */
export function buildTests() {
  buildTypeScript('tsconfig.test.json', 'build', ['src', '__test__'], 'build/src/native')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => {
    build()
    say('dist/ is up to date')
  })
}
