// The `midwire` command in a namespace: its first line, its flows, its log, and its end.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace } from './netns.js'
import { type Outcome, run, start } from './processes.js'
import { midwireCommand } from './skip.js'
import { within } from './wait.js'

/** What the tests read of a flow's line; `src/sinks/json.ts` has the whole. */
export interface FlowLine {
  type: 'http' | 'tcp' | 'udp' | 'dns'
  client: {
    address: string
    port: number
    mode: string
    peer: string | null
    destination: { address: string; port: number }
    tls: { sni?: string; alpn?: string; version?: string; ja4?: string } | null
  }
  server: { host: string; port: number; address: string | null; tls: { version?: string } | null } | null
  error: string | null
  request?: {
    method: string
    url: string
    path: string
    bodyLength: number
    questions?: { name: string; type: string }[]
  }
  response?: {
    status: number | string
    bodyLength: number
    trailers?: [string, string][]
    answers?: { type: string; data: string }[]
  } | null
  messages?: number
  bytesFromClient?: number
  bytesFromServer?: number
}

export interface Ready {
  event: 'ready'
  listeners: { spec: string; mode: string; host: string; port: number; transport: string }[]
  peers: { name: string; publicKey: string; addresses: string[] }[]
}

/** What must never stand in the log: a fault of midwire's own, whatever the peers have done. */
const FAULT =
  /nobody (caught|handled)|a layer has failed|an operation has failed|(Type|Range|Reference)Error|MaxListeners|Warning:/i

/** Without the machine's own settings for certificates and proxies, which programs would follow in place of the test's. */
export const plainEnvironment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  LANG: 'C.UTF-8',
  ...more,
})

export class Midwire {
  readonly namespace: Namespace
  readonly confdir: string
  ready: Ready = { event: 'ready', listeners: [], peers: [] }
  stderr = ''
  readonly #child: ChildProcess
  readonly #flows: FlowLine[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)

  private constructor(namespace: Namespace, confdir: string, args: readonly string[], as: readonly string[]) {
    this.namespace = namespace
    this.confdir = confdir
    this.#child = start('ip', commandLine(namespace, confdir, ['--json', ...args], as), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: plainEnvironment({ HOME: confdir }),
    })
    let text = ''
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) this.#handle(JSON.parse(line))
      this.#news.emit('news')
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk
      this.#news.emit('news')
    })
    this.#child.once('close', () => this.#news.emit('news'))
  }

  /** Starts it and waits for its first line. `as`: the words in front of the command. */
  static async start(
    namespace: Namespace,
    confdir: string,
    args: readonly string[],
    as: readonly string[] = [],
  ): Promise<Midwire> {
    const midwire = new Midwire(namespace, confdir, args, as)
    await midwire.#until(20_000, 'its first line', () => midwire.ready.listeners.length > 0)
    return midwire
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** A file of the conf dir. */
  file(name: string): string {
    return join(this.confdir, name)
  }

  /** The authority's certificate, as clients are given it. */
  get authority(): string {
    return this.file('midwire-ca-cert.pem')
  }

  /** Runs a further command, `midwire wg show`, with the same conf dir. */
  command(...args: string[]): Promise<Outcome> {
    return runMidwire(this.namespace, this.confdir, args)
  }

  /** The next flow that matches, one that has ended already first; it is taken away. */
  flow(what: string, matches: (flow: FlowLine) => boolean, ms = 5000): Promise<FlowLine> {
    return this.#until(ms, `a flow: ${what}`, () => {
      const at = this.#flows.findIndex(matches)
      return at < 0 ? undefined : this.#flows.splice(at, 1)[0]
    })
  }

  /** An HTTP flow by the end of its URL. */
  httpFlow(end: string): Promise<FlowLine> {
    return this.flow(end, ({ type, request }) => type === 'http' && request?.url.endsWith(end) === true)
  }

  /** Waits for a line of the log. */
  logged(pattern: RegExp, ms = 5000): Promise<string> {
    return this.#until(ms, `the log to have ${pattern}`, () => pattern.exec(this.stderr)?.[0])
  }

  /** Resident memory in bytes. */
  resident(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1]) * 1024
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Asks it to end; gives its exit code and the milliseconds that it took. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', ms = 10_000): Promise<{ code: number | null; ms: number }> {
    const begin = performance.now()
    if (this.running) {
      const closed = once(this.#child, 'close')
      this.#child.kill(signal)
      await within(ms, `midwire to end after ${signal}`, closed)
    }
    return { code: this.#child.exitCode, ms: performance.now() - begin }
  }

  /** Lines of the log that tell of faults of midwire's own. */
  get faults(): string[] {
    return this.stderr.split('\n').filter((line) => FAULT.test(line))
  }

  #handle(line: Ready | (FlowLine & { event: 'flow' })): void {
    if (line.event === 'ready') this.ready = line
    else this.#flows.push(line)
  }

  async #until<T>(ms: number, what: string, probe: () => T | undefined | false): Promise<T> {
    let look = () => {}
    const coming = new Promise<T>((resolve, reject) => {
      look = () => {
        const found = probe()
        if (found !== undefined && found !== false) resolve(found)
        else if (!this.running) reject(new Error(`midwire ended before ${what}: ${this.stderr}`))
      }
      this.#news.on('news', look)
      look()
    })
    try {
      return await within(ms, what, coming)
    } catch (error) {
      throw new Error(`${(error as Error).message}; the log: ${this.stderr.slice(-2000)}`, { cause: error })
    } finally {
      this.#news.off('news', look)
    }
  }
}

/** The arguments for `ip` that run the command in a namespace. */
function commandLine(
  namespace: Namespace,
  confdir: string,
  args: readonly string[],
  as: readonly string[] = [],
): string[] {
  return namespace.command(
    ...as,
    process.execPath,
    '--enable-source-maps',
    midwireCommand,
    '--confdir',
    confdir,
    ...args,
  )
}

/** Runs the command to its end. */
export function runMidwire(
  namespace: Namespace,
  confdir: string,
  args: readonly string[],
  as: readonly string[] = [],
): Promise<Outcome> {
  return run('ip', commandLine(namespace, confdir, args, as), { env: plainEnvironment({ HOME: confdir }) })
}
