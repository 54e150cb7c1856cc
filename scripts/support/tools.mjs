// Tools that npm does not bring: what the end-to-end tests and the lints need. Pinned, and built into the clone's own .cache.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { at, Complaint, environment, output, run, say, toolsDirectory } from './run.mjs'

const wireguardGo = 'golang.zx2c4.com/wireguard@v0.0.0-20260522210424-ecfc5a8d5446'
/** The newest one whose name Go takes. */
const h2spec = 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible'
const crates = { 'boringtun-cli': '0.7.1', 'cargo-deny': '0.20.2' }

/** Commands of the end-to-end tests and the Debian packages that hold them. */
const debian = {
  ip: 'iproute2',
  tc: 'iproute2',
  wg: 'wireguard-tools',
  sysctl: 'procps',
  curl: 'curl',
  wget: 'wget',
  dig: 'bind9-dnsutils',
  ping: 'iputils-ping',
  python3: 'python3',
  git: 'git',
  openssl: 'openssl',
  ab: 'apache2-utils',
}

/** The same, for single tests: where these cannot be had (Ubuntu's Chromium is a snap), those tests are skipped. */
const browser = {
  chromium: 'chromium',
  certutil: 'libnss3-tools',
}

/** Wireshark without its windows, which reads captures: single tests need it, too. */
const analyser = { tshark: 'tshark' }

/** Proxies and servers that midwire leads to, and clients of these. */
const servers = {
  squid: 'squid',
  tinyproxy: 'tinyproxy-bin',
  danted: 'dante-server',
  nginx: 'nginx-light',
  'redis-server': 'redis-server',
  dnsmasq: 'dnsmasq-base',
  sshd: 'openssh-server',
  scp: 'openssh-client',
  postgres: 'postgresql',
}

/** The services of those packages, by the command that was missing. */
const services = {
  squid: ['squid'],
  danted: ['danted'],
  nginx: ['nginx'],
  'redis-server': ['redis-server'],
  sshd: ['ssh.service', 'ssh.socket'],
  postgres: ['postgresql'],
}

/** Files that are there only while packages are installed, so that installing them is all that happens. */
const whileInstalling = {
  // Debian asks this script whether an installed service may be started.
  '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
  // PostgreSQL's package would make a database.
  '/etc/postgresql-common/createcluster.d/midwire.conf': 'create_main_cluster = off\n',
}

/** Python's HTTP clients, and its SOCKS client of datagrams, in an environment of the clone's own. */
const python = { requests: '2.34.2', httpx: '0.28.1', aiohttp: '3.14.5', PySocks: '1.7.1', httpie: '3.2.4' }

/** Autobahn's test suite of WebSocket, a program for Python 2.7 alone, and where it is installed. */
const autobahn = 'autobahntestsuite==25.10.1'
const autobahnFolder = at('.cache', 'autobahn')

/** It reads midwire's flow files, and writes some for midwire. It needs Python 3.12 or newer. */
const mitmproxy = 'mitmproxy==12.3.1'
const mitmproxyFolder = at('.cache', 'mitmproxy')
const vitest = '4.1.12'
const vitestFolder = at('.cache', 'vitest')

export const has = (command) =>
  environment()
    .PATH.split(delimiter)
    .some((directory) => existsSync(join(directory, command)))

/** A crate's command, from PATH or built once. Without optimisation: these run for seconds and would compile for minutes. */
export function needCrate(name, { optimised = false } = {}) {
  if (has(name)) return
  say(`building ${name} ${crates[name]}`)
  run('cargo', [
    ...['install', name, '--version', crates[name], '--locked', '--root', at('.cache')],
    ...(optimised ? [] : ['--debug']),
  ])
}

function needWireGuardGo() {
  if (has('wireguard-go')) return
  if (!has('go')) throw new Complaint('Go is missing (wireguard-go is built with it)')
  say('building wireguard-go')
  mkdirSync(toolsDirectory, { recursive: true })
  run('go', ['install', wireguardGo], { env: { GOBIN: toolsDirectory } })
  renameSync(join(toolsDirectory, 'wireguard'), join(toolsDirectory, 'wireguard-go'))
}

function needH2spec() {
  if (has('h2spec')) return
  say('building h2spec')
  run('go', ['install', h2spec], { env: { GOBIN: toolsDirectory } })
}

/** Clients in Go. Go knows whether they are stale. */
function needGoPrograms() {
  const env = { GOCACHE: at('.cache', 'go-build') }
  for (const name of ['ranges', 'http2']) {
    const source = at('__test__', 'e2e', 'programs', `${name}.go`)
    run('go', ['build', '-o', join(toolsDirectory, `midwire-${name}`), source], { env })
  }
}

/** The stack on a TUN device. In the profile of `cargo test`, which builds it anyway; cargo knows whether it is stale. */
function needTun() {
  run('cargo', ['build', '--quiet', '--locked', '--package', 'midwire-wire', '--example', 'tun'])
}

function needDebianPackages(packages) {
  const missing = [...new Set(Object.keys(packages).flatMap((command) => (has(command) ? [] : [packages[command]])))]
  if (missing.length) installDebianPackages(missing)
}

function installDebianPackages(missing) {
  if (!has('apt-get')) throw new Complaint(`${missing.join(', ')} missing, and this is no Debian`)
  say(`installing ${missing.join(', ')}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], { env })
  run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...missing], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Debian keeps PostgreSQL's programs off the PATH, in a folder for each version. */
function hasPostgres() {
  const versions = '/usr/lib/postgresql'
  const programs = ['initdb', 'postgres', 'psql']
  const isWhole = (version) => programs.every((name) => existsSync(join(versions, version, 'bin', name)))
  return existsSync(versions) && readdirSync(versions).some(isWhole)
}

/** Installs the servers, and starts none of them, neither now nor with the machine. Those that are there already are left alone. */
function needServers() {
  const absent = Object.keys(servers).filter((name) => !(name === 'postgres' ? hasPostgres() : has(name)))
  if (absent.length === 0) return
  const own = Object.keys(whileInstalling).filter((file) => !existsSync(file))
  for (const file of own) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, whileInstalling[file], { mode: 0o755 })
  }
  try {
    installDebianPackages(absent.map((name) => servers[name]))
  } finally {
    for (const file of own) rmSync(file)
  }
  if (!has('systemctl')) return
  for (const service of absent.flatMap((name) => services[name] ?? [])) {
    output('systemctl', ['disable', '--quiet', service])
  }
}

/** Debian's Python has the module `venv`, but makes no environment with pip in it until python3-venv is installed, too. */
function needPythonClients() {
  const interpreter = at('.cache', 'python', 'bin', 'python')
  const wanted = Object.entries(python).map(([name, version]) => `${name}==${version}`)
  const installed = output(interpreter, ['-m', 'pip', 'freeze'])?.split('\n') ?? []
  if (wanted.every((one) => installed.includes(one))) return
  say(`installing ${Object.keys(python).join(', ')} for Python`)
  if (output('python3', ['-c', 'import ensurepip']) === undefined) installDebianPackages(['python3-venv'])
  run('python3', ['-m', 'venv', '--clear', at('.cache', 'python')])
  run(interpreter, [
    ...['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--disable-pip-version-check', '--only-binary', ':all:'],
    ...wanted,
  ])
}

/** Debian has no Python 2.7 any more; who needs one builds it with pyenv, whose shims are there for versions that are not chosen, too. */
function python27() {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const built = existsSync(versions) ? readdirSync(versions).filter((version) => version.startsWith('2.7.')) : []
  const candidates = ['python2.7', ...built.map((version) => join(versions, version, 'bin', 'python2.7'))]
  return candidates.find((one) => output(one, ['-m', 'pip', '--version']) !== undefined)
}

function needAutobahn() {
  const marker = join(autobahnFolder, autobahn)
  if (existsSync(marker)) return
  const interpreter = python27()
  if (!interpreter) throw new Complaint('Python 2.7 with pip is missing')
  say(`installing ${autobahn}`)
  rmSync(autobahnFolder, { recursive: true, force: true })
  mkdirSync(autobahnFolder, { recursive: true })
  // As a user's packages: a folder of another kind (--target) breaks zope.interface, which is one of several parts of `zope`.
  run(interpreter, ['-m', 'pip', 'install', '--quiet', '--user', '--disable-pip-version-check', autobahn], {
    env: { PYTHONUSERBASE: autobahnFolder },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  writeFileSync(marker, '')
}

/** The first Python of these that is 3.12 or newer: the system's, or one that pyenv has built. */
function newPython() {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const built = existsSync(versions)
    ? readdirSync(versions).filter((version) => /^3\.(1[2-9]|[2-9]\d)\./.test(version))
    : []
  const candidates = ['python3', ...built.map((version) => join(versions, version, 'bin', 'python3'))]
  return candidates.find(
    (one) => output(one, ['-c', 'import ensurepip, sys; assert sys.version_info >= (3, 12)']) !== undefined,
  )
}

function needMitmproxy() {
  const marker = join(mitmproxyFolder, mitmproxy)
  if (existsSync(marker)) return
  const interpreter = newPython()
  if (!interpreter) throw new Complaint('Python 3.12 with pip is missing')
  say(`installing ${mitmproxy}`)
  run(interpreter, ['-m', 'venv', '--clear', mitmproxyFolder])
  run(join(mitmproxyFolder, 'bin', 'python'), [
    ...['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--disable-pip-version-check', mitmproxy],
  ])
  writeFileSync(marker, '')
}

/** What single tests need: without it these alone are skipped. */
function tryTo(need, tests) {
  try {
    need()
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    say(`the tests with ${tests} are skipped: ${error.message}`)
  }
}

/** Root in a container may lack the right, and only trying tells. */
function canMakeNamespace() {
  const name = `midwire-probe-${process.pid}`
  if (output('ip', ['netns', 'add', name]) === undefined) return false
  return output('ip', ['netns', 'delete', name]) !== undefined
}

/** Another runner of tests, for an example: too large for every clone. */
function needVitest() {
  const wanted = JSON.stringify({ private: true, type: 'module', devDependencies: { vitest } })
  const manifest = join(vitestFolder, 'package.json')
  const installed = join(vitestFolder, 'node_modules', 'vitest', 'vitest.mjs')
  if (existsSync(installed) && readFileSync(manifest, 'utf8') === wanted) return
  say(`installing vitest ${vitest}`)
  rmSync(vitestFolder, { recursive: true, force: true })
  mkdirSync(vitestFolder, { recursive: true })
  writeFileSync(manifest, wanted)
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: vitestFolder })
}

/** Makes ready for the end-to-end tests. Why they cannot run here, or undefined when they can. */
export function prepareEndToEnd() {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid() !== 0) return 'network namespaces need root'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  try {
    needDebianPackages(debian)
    if (!canMakeNamespace()) return 'this root may not make network namespaces'
    needWireGuardGo()
    needCrate('boringtun-cli', { optimised: true })
    needTun()
    tryTo(() => needDebianPackages(browser), 'a browser')
    tryTo(() => needDebianPackages(analyser), 'Wireshark')
    tryTo(needServers, 'squid, tinyproxy, dante, nginx, Redis, dnsmasq, OpenSSH and PostgreSQL')
    tryTo(needPythonClients, "Python's HTTP clients")
    tryTo(needGoPrograms, "Go's HTTP client")
    tryTo(needH2spec, 'h2spec')
    tryTo(needAutobahn, "Autobahn's test suite of WebSocket")
    tryTo(needMitmproxy, 'mitmproxy')
    tryTo(needVitest, 'vitest')
    return undefined
  } catch (error) {
    if (error instanceof Complaint) return error.message
    throw error
  }
}
