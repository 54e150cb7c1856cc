// A server program of Debian's in a namespace: started in the foreground with a configuration of the test's own, and ready when its port is.
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Namespace } from './netns.js'
import { start } from './processes.js'
import { until } from './wait.js'

const LISTENING = '0A'

export class Daemon {
  readonly #child: ChildProcess
  readonly #logFile: string | undefined
  #output = ''

  private constructor(child: ChildProcess, logFile: string | undefined) {
    this.#child = child
    this.#logFile = logFile
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk
      })
    }
  }

  /** `logFile` is for a program that writes its log to a file only. */
  static async start(
    namespace: Namespace,
    command: readonly string[],
    { port, logFile }: { port: number; logFile?: string },
  ): Promise<Daemon> {
    const child = start('ip', namespace.command(...command), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
    })
    const daemon = new Daemon(child, logFile)
    await until(20_000, `${command[0]} to listen on port ${port}`, () => {
      if (child.exitCode !== null) throw new Error(`${command.join(' ')} has ended: ${daemon.#output.slice(-2000)}`)
      return daemon.#listensOn(port)
    })
    return daemon
  }

  /** Everything that it has written to its log. */
  get log(): string {
    return this.#output + (this.#logFile === undefined ? '' : readFileSync(this.#logFile, 'utf8'))
  }

  /** Waits for something in its log. squid tells of a tunnel at its end, and midwire keeps an idle one for a while. */
  logged(text: string | RegExp): Promise<true> {
    const has = () => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log))
    return until(15_000, `the log to have ${text}`, has).catch((cause) => {
      throw new Error(`${cause.message}; the log: ${this.log.slice(-2000)}`, { cause })
    })
  }

  /** The process is in the namespace, so its view of the network is the namespace's. */
  #listensOn(port: number): boolean {
    const table = readFileSync(`/proc/${this.#child.pid}/net/tcp`, 'utf8')
    const wanted = port.toString(16).toUpperCase().padStart(4, '0')
    return table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .some(([, local = '', , state]) => state === LISTENING && local.endsWith(`:${wanted}`))
  }
}
