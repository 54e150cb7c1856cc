// The test's side of a program in a namespace: its functions to call, its events to wait for.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './netns.js'
import { start, stop } from './processes.js'
import { within } from './wait.js'

const agent = fileURLToPath(new URL('./agent.js', import.meta.url))

interface Message {
  id?: number
  event?: string
  value?: unknown
  error?: { message: string; code?: string }
}

// biome-ignore lint/suspicious/noExplicitAny: the functions of any module
type Functions = Record<string, (...args: any[]) => unknown>
type Names<M> = { [K in keyof M]: M[K] extends Functions[string] ? K : never }[keyof M] & string
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never

/** The error of a call, with the code that it had there. */
export class RemoteError extends Error {
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** `Program` is the type of a module of `programs/`: `Remote.start<typeof import('../programs/tcp.js')>(...)`. */
export class Remote<Program> {
  readonly #child: ChildProcess
  readonly #what: string
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  readonly #events: { event: string; value: unknown }[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)
  #id = 0

  private constructor(child: ChildProcess, what: string) {
    this.#child = child
    this.#what = what
    child.on('message', (message: Message) => this.#handle(message))
    child.once('exit', (code, signal) => this.#end(new Error(`${what} ended with ${signal ?? `exit code ${code}`}`)))
    child.once('error', (error) => this.#end(error))
  }

  /** Starts a module of `programs/` in the namespace, with this process's environment unless another is given. */
  static async start<Program>(
    namespace: Namespace,
    name: string,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<Remote<Program>> {
    const url = new URL(`../programs/${name}.js`, import.meta.url).href
    const args = namespace.command(process.execPath, '--expose-gc', '--enable-source-maps', agent, url)
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    const child = start('ip', args, { stdio: [...stdio], serialization: 'advanced', env })
    const remote = new Remote<Program>(child, `${name} in ${namespace.name}`)
    await remote.event('ready', 20_000)
    return remote
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Calls a function of the module; an error of it is a RemoteError here. */
  async call<K extends Names<Program>>(name: K, ...args: Arguments<Program[K]>): Promise<Result<Program[K]>> {
    return this.callFor(60_000, name, ...args)
  }

  /** The same with another time limit, in milliseconds. */
  async callFor<K extends Names<Program>>(
    ms: number,
    name: K,
    ...args: Arguments<Program[K]>
  ): Promise<Result<Program[K]>> {
    const id = ++this.#id
    const answer = new Promise<unknown>((resolve, reject) => this.#calls.set(id, { resolve, reject }))
    this.#child.send({ id, name, args }, (error) => {
      if (error) this.#calls.get(id)?.reject(error)
    })
    try {
      return (await within(ms, `${this.#what}: ${name}()`, answer)) as Result<Program[K]>
    } finally {
      this.#calls.delete(id)
    }
  }

  /** The next event of this name that matches, one that has come already first. Others stay. */
  async event<T>(event: string, ms: number, matches: (value: T) => boolean = () => true): Promise<T> {
    const take = (): { value: T } | undefined => {
      const at = this.#events.findIndex((one) => one.event === event && matches(one.value as T))
      return at < 0 ? undefined : (this.#events.splice(at, 1)[0] as { value: T })
    }
    const found = take()
    if (found) return found.value
    let look = () => {}
    const coming = new Promise<T>((resolve, reject) => {
      look = () => {
        const found = take()
        if (found) resolve(found.value)
        else if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          reject(new Error(`${this.#what} ended before its event '${event}'`))
        }
      }
      this.#news.on('news', look)
    })
    try {
      return await within(ms, `${this.#what}: event '${event}'`, coming)
    } finally {
      this.#news.off('news', look)
    }
  }

  /** How many events of this name have come and were not taken. */
  pending(event: string): number {
    return this.#events.filter((one) => one.event === event).length
  }

  /** Resident memory in bytes. */
  resident(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1]) * 1024
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await stop(this.#child, signal)
  }

  #handle({ id, event, value, error }: Message): void {
    if (event !== undefined) {
      this.#events.push({ event, value })
      this.#news.emit('news')
    } else if (id !== undefined) {
      if (error) this.#calls.get(id)?.reject(new RemoteError(error.message, error.code))
      else this.#calls.get(id)?.resolve(value)
    }
  }

  #end(error: Error): void {
    for (const call of this.#calls.values()) call.reject(error)
    this.#news.emit('news')
  }
}
