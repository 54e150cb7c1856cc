// A host in user space behind a TUN device: one stack of `wire` (`src/wire/examples/tun`), with the kernel as its neighbour.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Namespace } from './netns.js'
import { start } from './processes.js'
import { tunProgram } from './skip.js'
import { within } from './wait.js'

export const device = 'midwire'

/** Any address of these networks is the stack's. */
export const far = { v4: '192.0.2.80', v6: '2001:db8::80' } as const
/** The kernel's own addresses. */
export const near = { v4: '198.51.100.1', v6: '2001:db8:1::1' } as const

export const service = {
  echo: 7000,
  source: 7002,
  hash: 7003,
  datagramEcho: 7003,
  bothWays: 7004,
  deaf: 7005,
  deafSpeaker: 7006,
  bothWaysWithPause: 7008,
  connectBack: 7009,
} as const

/** Shares of a thousand, but for the delay and `buffer`, the bytes of a flow's buffers. */
export type Settings = Partial<
  Record<'lose' | 'double' | 'corrupt' | 'reorder' | 'delay-ms' | 'seed' | 'buffer', number>
>

const mtu = 1420

/** The device, the addresses and the routes; the program takes the device when it starts. */
export function prepare(namespace: Namespace): void {
  namespace.ip('tuntap', 'add', 'dev', device, 'mode', 'tun')
  // A device's queue is short, and what is over it is lost: that would be no clean link.
  namespace.ip('link', 'set', device, 'mtu', String(mtu), 'txqueuelen', '10000', 'up')
  namespace.ip('addr', 'add', `${near.v4}/32`, 'dev', device)
  namespace.ip('addr', 'add', `${near.v6}/128`, 'dev', device, 'nodad')
  namespace.ip('route', 'add', '192.0.2.0/24', 'dev', device, 'src', near.v4)
  namespace.ip('route', 'add', '2001:db8::/32', 'dev', device, 'src', near.v6)
  // What the kernel learns on a bad link it would remember on the next, good one.
  setKernel(namespace, 'tcp_no_metrics_save', 1)
}

/** A setting of the kernel's TCP in this namespace. It holds for IPv6, too. */
export function setKernel(namespace: Namespace, name: string, value: number): void {
  namespace.must('sh', '-c', `echo ${value} > /proc/sys/net/ipv4/${name}`)
}

export class Host {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child
    this.#lines = lines
  }

  static async start(namespace: Namespace, settings: Settings = {}): Promise<Host> {
    const options = Object.entries({ mtu, ...settings }).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = start('ip', namespace.command(tunProgram, '--device', device, ...options), {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    if (!child.stdout) throw new Error('the program has no output')
    const host = new Host(child, createInterface(child.stdout)[Symbol.asyncIterator]())
    const said = await host.#line('to be ready')
    if (said !== 'ready') throw new Error(`the program said '${said}' and not that it is ready`)
    return host
  }

  async #line(what: string): Promise<string | undefined> {
    const { value } = await within(5000, `the host ${what}`, this.#lines.next())
    return value
  }

  /** Ends it, and gives what it has counted. */
  async stop(): Promise<Record<string, number>> {
    const gone = once(this.#child, 'exit')
    this.#child.stdin?.end()
    const counters = JSON.parse((await this.#line('to say what it has counted')) ?? '{}')
    await within(5000, 'the host to end', gone)
    return counters
  }
}
