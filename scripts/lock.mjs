// `npm run lock`: completes package-lock.json with the optional packages of other platforms. npm leaves out what the registry
// in use does not have (a mirror may lack them), and `npm ci` then refuses the file. `--check` only says what is missing.
import { readFileSync, writeFileSync } from 'node:fs'
import { at, Complaint, main } from './support/run.mjs'

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

/** Where a package of this name says that it runs: npm skips it everywhere else without asking the registry. */
function platformOf(name) {
  const words = name.split(/[-/]/)
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined
  const os = systems.filter((system) => words.includes(system))
  const cpu = processors.filter((processor) => words.includes(processor))
  return { ...(os.length && { os }), ...(cpu.length && { cpu }), ...(libc && os.includes('linux') && { libc }) }
}

/** Every place where Node would look for a package that `parent` asks for, the nearest first. */
function places(parent, name) {
  const parts = parent.split('/node_modules/')
  const nested = parts.map(
    (_, index) => `${parts.slice(0, parts.length - index).join('/node_modules/')}/node_modules/${name}`,
  )
  return parent === '' ? [`node_modules/${name}`] : [...nested, `node_modules/${name}`]
}

function missing(packages) {
  return Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !places(parent, name).some((place) => packages[place]))
      .map(([name, range]) => ({
        path: `node_modules/${name}`,
        version: range.replace(/^[\^~]/, ''),
        name,
        dev: packages[parent].dev,
      })),
  )
}

await main(() => {
  const lock = JSON.parse(readFileSync(at('package-lock.json'), 'utf8'))
  const found = missing(lock.packages)
  if (process.argv.includes('--check')) {
    if (found.length)
      throw new Complaint(`package-lock.json lacks ${found.map(({ name }) => name).join(', ')}: run \`npm run lock\``)
    return
  }
  for (const { path, name, version, dev } of found) {
    lock.packages[path] = { version, ...platformOf(name), ...(dev && { dev }), optional: true }
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(
    at('package-lock.json'),
    `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`,
  )
})
