// What a test needs of the machine, and the sentence for the log where it is not there.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { may } from './processes.js'

// build/__test__/e2e/support/skip.js
const clone = fileURLToPath(new URL('../../../..', import.meta.url))

function find(names: readonly string[], override: string | undefined): string | undefined {
  const folders = [join(clone, '.cache', 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  const paths = override ? [override] : names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The programs that are real clients; `go install` calls the first one `wireguard`. */
export const wireguardGo = find(['wireguard-go', 'wireguard'], process.env.MIDWIRE_WIREGUARD_GO)
export const boringtun = find(['boringtun-cli'], process.env.MIDWIRE_BORINGTUN)

export const chromium = find(['chromium'], process.env.MIDWIRE_CHROMIUM)

/** A Python with requests, httpx, aiohttp, PySocks and pip, as `prepareEndToEnd` made it. */
export const pythonWithClients = join(clone, '.cache', 'python', 'bin', 'python')

/** `programs/ranges.go`, as `prepareEndToEnd` built it. */
export const rangesProgram = join(clone, '.cache', 'bin', 'midwire-ranges')

/** `programs/http2.go`, the same. */
export const http2Program = join(clone, '.cache', 'bin', 'midwire-http2')

/** The conformance tests of HTTP/2. */
export const h2spec = find(['h2spec'], process.env.MIDWIRE_H2SPEC)

/** Debian keeps each version's programs in a folder of its own; what is on the PATH is a wrapper that looks for clusters of the system's. */
const postgresVersions = '/usr/lib/postgresql'
const postgresPrograms = ['initdb', 'postgres', 'psql'] as const

/** The folder of one version's initdb, postgres and psql. */
export const postgresFolder = (existsSync(postgresVersions) ? readdirSync(postgresVersions) : [])
  .map((version) => join(postgresVersions, version, 'bin'))
  .find((folder) => postgresPrograms.every((name) => existsSync(join(folder, name))))

/** The `midwire` command, as it was built. */
export const midwireCommand = join(clone, 'dist', 'cli', 'main.js')

/** A stack of `wire` on a TUN device, as cargo built it. */
export const tunProgram = join(process.env.CARGO_TARGET_DIR ?? join(clone, 'target'), 'debug', 'examples', 'tun')

/** Autobahn's test suite of WebSocket, as `prepareEndToEnd` installed it. */
export const autobahnFolder = join(clone, '.cache', 'autobahn')
export const wstest = join(autobahnFolder, 'bin', 'wstest')

/** A Python with mitmproxy, as `prepareEndToEnd` made it. */
export const pythonWithMitmproxy = join(clone, '.cache', 'mitmproxy', 'bin', 'python')
/** vitest, as `prepareEndToEnd` installed it. */
export const vitestFolder = join(clone, '.cache', 'vitest')
export const vitest = join(vitestFolder, 'node_modules', 'vitest', 'vitest.mjs')

export type Need =
  | 'wireguard-go'
  | 'boringtun'
  | 'python'
  | 'curl'
  | 'ping'
  | 'wget'
  | 'dig'
  | 'chromium'
  | 'certutil'
  | 'git'
  | 'ab'
  | 'openssl'
  | 'apt-get'
  | 'npm'
  | 'python-clients'
  | 'pysocks'
  | 'httpie'
  | 'tshark'
  | 'ranges'
  | 'http2-program'
  | 'h2spec'
  | 'autobahn'
  | 'mitmproxy'
  | 'fetch-by-environment'
  | 'midwire'
  | 'nft'
  | 'iptables'
  | 'tun'
  | 'squid'
  | 'tinyproxy'
  | 'danted'
  | 'nginx'
  | 'redis'
  | 'dnsmasq'
  | 'ssh'
  | 'postgres'

const command =
  (name: string, packet = name) =>
  () =>
    find([name], undefined) ? undefined : `needs ${name}${packet === name ? '' : ` (${packet})`}`

/** Node reads NODE_USE_ENV_PROXY from these versions on. */
function readsProxyEnvironment(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major >= 24 || (major === 22 && minor >= 21)
}

const needs: Record<Need, () => string | undefined> = {
  'wireguard-go': () => (wireguardGo ? undefined : 'needs wireguard-go (Go)'),
  boringtun: () => (boringtun ? undefined : 'needs boringtun-cli (cargo install boringtun-cli)'),
  // Node has no raw sockets.
  python: () => (may('python3', ['-c', 'import socket; socket.AF_PACKET']) === undefined ? 'needs python3' : undefined),
  curl: command('curl'),
  ping: command('ping', 'iputils-ping'),
  wget: command('wget'),
  dig: command('dig', 'bind9-dnsutils'),
  chromium: () => (chromium ? undefined : 'needs chromium'),
  certutil: command('certutil', 'libnss3-tools'),
  git: command('git'),
  ab: command('ab', 'apache2-utils'),
  openssl: command('openssl'),
  'apt-get': () => command('apt-get')() ?? command('dpkg-deb')(),
  npm: command('npm'),
  'python-clients': () =>
    may(pythonWithClients, ['-c', 'import requests, httpx, aiohttp, pip']) === undefined
      ? 'needs requests, httpx and aiohttp in .cache/python (npm test -- e2e)'
      : undefined,
  pysocks: () =>
    may(pythonWithClients, ['-c', 'import socks']) === undefined
      ? 'needs PySocks in .cache/python (npm test -- e2e)'
      : undefined,
  httpie: () =>
    may(pythonWithClients, ['-c', 'import requests, httpie']) === undefined
      ? 'needs requests and HTTPie in .cache/python (npm test -- e2e)'
      : undefined,
  tshark: command('tshark'),
  ranges: () => (existsSync(rangesProgram) ? undefined : 'needs .cache/bin/midwire-ranges (Go, and npm test -- e2e)'),
  'http2-program': () =>
    existsSync(http2Program) ? undefined : 'needs .cache/bin/midwire-http2 (Go, and npm test -- e2e)',
  h2spec: () => (h2spec ? undefined : 'needs .cache/bin/h2spec (Go, and npm test -- e2e)'),
  autobahn: () =>
    existsSync(wstest) ? undefined : 'needs .cache/autobahn/bin/wstest (Python 2.7, and npm test -- e2e)',
  mitmproxy: () =>
    may(pythonWithMitmproxy, ['-c', 'import mitmproxy.io']) === undefined
      ? 'needs mitmproxy in .cache/mitmproxy (Python 3.12, and npm test -- e2e)'
      : undefined,
  'fetch-by-environment': () => (readsProxyEnvironment() ? undefined : 'needs Node 22.21 or 24 (NODE_USE_ENV_PROXY)'),
  midwire: () => (existsSync(midwireCommand) ? undefined : 'needs dist/cli/main.js (npm run build)'),
  nft: command('nft', 'nftables'),
  iptables: command('iptables'),
  squid: command('squid'),
  tinyproxy: command('tinyproxy', 'tinyproxy-bin'),
  danted: command('danted', 'dante-server'),
  nginx: command('nginx', 'nginx-light'),
  redis: () => command('redis-server')() ?? command('redis-cli', 'redis-tools')(),
  dnsmasq: command('dnsmasq', 'dnsmasq-base'),
  ssh: () => command('sshd', 'openssh-server')() ?? command('scp', 'openssh-client')(),
  postgres: () => (postgresFolder ? undefined : 'needs initdb, postgres and psql (postgresql)'),
  tun: () => (existsSync(tunProgram) ? undefined : 'needs cargo build -p midwire-wire --example tun'),
}

let common: string | undefined | null = null

function machine(): string | undefined {
  if (process.platform !== 'linux') return 'needs network namespaces (Linux)'
  if (process.getuid?.() !== 0) return 'needs root (network namespaces)'
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return 'needs /dev/net/tun'
  }
  for (const [program, packet] of [
    ['ip', 'iproute2'],
    ['wg', 'wireguard-tools'],
  ] as const) {
    if (!find([program], undefined)) return `needs ${program} (${packet})`
  }
  if (!existsSync('/proc/net/if_inet6')) return 'needs IPv6'
  const probe = `midwire-probe-${process.pid}`
  if (may('ip', ['netns', 'add', probe]) === undefined) return 'needs the right to make network namespaces'
  may('ip', ['netns', 'del', probe])
  return undefined
}

/** Why a test with these needs cannot run here, or undefined when it can. */
export function missing(wanted: readonly Need[]): string | undefined {
  if (common === null) common = machine()
  if (common) return common
  for (const need of wanted) {
    const reason = needs[need]()
    if (reason) return reason
  }
  return undefined
}
