// The network of one test file: a server's namespace and clients' namespaces, each client joined to the server by a cable (veth), or by
// two and a router.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { may, must } from './processes.js'

const prefix = 'midwire-'
/** `ip netns exec` lays the files of a folder here, named after the namespace, over those of /etc. */
const etc = '/etc/netns'
let made = 0

/** One cable's two ends. The networks are the ones set aside for benchmarks and documentation; there is no way out of them. */
export interface Cable {
  readonly server: { v4: string; v6: string }
  readonly client: { v4: string; v6: string }
  /** A free address of the client's end, for roaming. */
  readonly other: { v4: string; v6: string }
  /** The names of the two devices. */
  readonly serverDevice: string
  readonly clientDevice: string
}

/** A path of less than 1500 bytes: all of the cable, which the kernel knows of, or the link behind a router, of which it learns. */
export interface Narrow {
  readonly at: 'cable' | 'router'
  readonly mtu: number
}

export class Namespace {
  readonly name: string

  constructor(label: string) {
    // Several test files, and several checkouts, may run on one machine.
    this.name = `${prefix}${process.pid}-${label}`
    must('ip', ['netns', 'add', this.name])
    this.ip('link', 'set', 'lo', 'up')
    // A client that runs out of ports would be the test's fault, not the server's. And containers like to turn IPv6 off.
    const settings = ['ipv4/ip_local_port_range=1024 65000', 'ipv6/conf/all/disable_ipv6=0']
    for (const [name, value] of settings.map((one) => one.split('='))) {
      this.must('sh', '-c', `echo ${value} > /proc/sys/net/${name}`)
    }
  }

  /** `ip` in this namespace. */
  ip(...args: string[]): string {
    return must('ip', ['-n', this.name, ...args])
  }

  /** Runs a short program in this namespace. */
  must(...command: string[]): string {
    return must('ip', this.command(...command))
  }

  /** The arguments for `ip` that run a program here, in place of `ip` itself: the process keeps its id. */
  command(...command: string[]): string[] {
    return ['netns', 'exec', this.name, ...command]
  }

  /** Gives the programs that run here another /etc/`name`: `hosts`, `resolv.conf`. */
  etc(name: string, text: string): void {
    mkdirSync(join(etc, this.name), { recursive: true })
    writeFileSync(join(etc, this.name, name), text)
  }

  delete(): void {
    may('ip', ['netns', 'del', this.name])
    rmSync(join(etc, this.name), { recursive: true, force: true })
  }
}

export class World {
  readonly server: Namespace
  /** An address of the server's that is not on a cable, and that every client can reach. */
  readonly inside = '198.19.0.1'
  readonly #clients: Namespace[] = []
  readonly #routers: Namespace[] = []

  constructor() {
    sweep()
    this.server = new Namespace(`${++made}s`)
    this.server.ip('addr', 'add', `${this.inside}/32`, 'dev', 'lo')
    process.on('exit', this.destroy)
  }

  /** A client's namespace and its cable to the server, 1500 bytes wide. */
  client(narrow?: Narrow): { namespace: Namespace; cable: Cable } {
    const at = this.#clients.length
    const namespace = new Namespace(`${made}c${at}`)
    this.#clients.push(namespace)
    // The third group is never 0, so that the text is the one that everybody writes.
    const ends = (last: number) => ({ v4: `198.18.${at}.${last}`, v6: `2001:db8:${at + 1}::${last}` })
    const [serverDevice, clientDevice] = [`server${at}`, 'cable']
    const cable = { server: ends(1), client: ends(2), other: ends(3), serverDevice, clientDevice }
    if (narrow?.at === 'router') {
      this.#route(at, namespace, cable, narrow.mtu)
      return { namespace, cable }
    }
    const width = narrow ? ['mtu', String(narrow.mtu)] : []
    this.server.ip(
      ...['link', 'add', serverDevice, ...width, 'type', 'veth'],
      ...['peer', 'name', clientDevice, ...width, 'netns', namespace.name],
    )
    for (const [side, device, addresses] of [
      [this.server, serverDevice, cable.server],
      [namespace, clientDevice, cable.client],
    ] as const) {
      side.ip('addr', 'add', `${addresses.v4}/24`, 'dev', device)
      side.ip('addr', 'add', `${addresses.v6}/64`, 'dev', device, 'nodad')
      side.ip('link', 'set', device, 'up')
    }
    namespace.ip('route', 'add', `${this.inside}/32`, 'via', cable.server.v4)
    return { namespace, cable }
  }

  /** A namespace without a cable, for what is its own network. */
  alone(): Namespace {
    const namespace = new Namespace(`${made}c${this.#clients.length}`)
    this.#clients.push(namespace)
    return namespace
  }

  /** A router between server and client, each at an end of the cable's network. Only its link to the client is narrow. */
  #route(at: number, client: Namespace, cable: Cable, mtu: number): void {
    const router = new Namespace(`${made}r${at}`)
    this.#routers.push(router)
    for (const one of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) {
      router.must('sh', '-c', `echo 1 > /proc/sys/net/${one}`)
    }
    for (const [side, end, device, own, narrow, remote] of [
      [this.server, cable.server, cable.serverDevice, 'toServer', [], cable.client],
      [client, cable.client, cable.clientDevice, 'toClient', ['mtu', String(mtu)], cable.server],
    ] as const) {
      side.ip(
        ...['link', 'add', device, ...narrow, 'type', 'veth'],
        ...['peer', 'name', own, ...narrow, 'netns', router.name],
      )
      side.ip('addr', 'add', `${end.v4}/32`, 'dev', device)
      side.ip('addr', 'add', `${end.v6}/128`, 'dev', device, 'nodad')
      side.ip('link', 'set', device, 'up')
      // Its own addresses on both links are the same: they are in no packet but its ICMP errors.
      router.ip('addr', 'add', `198.18.${at}.254/32`, 'dev', own)
      router.ip('addr', 'add', `2001:db8:${at + 1}::fffe/128`, 'dev', own, 'nodad')
      router.ip('link', 'set', own, 'up')
      router.ip('route', 'add', `${end.v4}/32`, 'dev', own)
      router.ip('-6', 'route', 'add', `${end.v6}/128`, 'dev', own)
      side.ip('route', 'add', `198.18.${at}.254/32`, 'dev', device)
      side.ip('-6', 'route', 'add', `2001:db8:${at + 1}::fffe/128`, 'dev', device)
      side.ip('route', 'add', `${remote.v4}/32`, 'via', `198.18.${at}.254`)
      side.ip('-6', 'route', 'add', `${remote.v6}/128`, 'via', `2001:db8:${at + 1}::fffe`)
    }
  }

  readonly destroy = (): void => {
    process.off('exit', this.destroy)
    for (const namespace of [this.server, ...this.#clients.splice(0), ...this.#routers.splice(0)]) namespace.delete()
  }
}

/** Removes what a test file left behind that was killed before it could: its name holds the id of a process that is gone. */
function sweep(): void {
  const names = (may('ip', ['netns', 'list']) ?? '').split('\n').map((line) => line.split(' ')[0] ?? '')
  for (const name of names) {
    const owner = name.match(/^midwire-(\d+)-\d+[scr]\d*$/)?.[1]
    if (!owner || existsSync(`/proc/${owner}`)) continue
    for (const id of (may('ip', ['netns', 'pids', name]) ?? '').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(id), 'SIGKILL')
      } catch {
        // It ended meanwhile.
      }
    }
    may('ip', ['netns', 'del', name])
    rmSync(join(etc, name), { recursive: true, force: true })
    // The control sockets of its clients, which are named after it, too.
    const folder = '/var/run/wireguard'
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      if (file.startsWith(`mw${owner}n`)) rmSync(join(folder, file), { force: true })
    }
  }
}
