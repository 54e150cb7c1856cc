// Runs hooks: calls the method of every addon in order, waits for each, and keeps an error of an addon to its flow.
import { hooksOf } from '../addons/hook-names.js'
import { fileOf } from '../addons/scripts.js'
import { MidwireError } from '../errors.js'
import { Flow } from '../flow/flow.js'
import type { Addon, ConfigureHook, HookName, Hooks, HttpMessageHook, LogLevel, Socks5AuthHook } from '../hooks.js'
import { HookTime } from './hook-time.js'
import { HookWatch } from './hook-watch.js'

/**
 * The ranks of addons that are always there; of users' addons that the proxy begins with, each one more than the one before; and of those that
 * come later. Those that an option has brought have ranks between the first two.
 */
export const FIRST_RANK = -1
export const USER_RANK = 1_000_000
export const LAST_RANK = Number.POSITIVE_INFINITY

type Method = (subject: unknown) => unknown

interface Entry {
  readonly addon: Addon
  readonly rank: number
  readonly label: string
  readonly method: Method
  /** What the watch knows the hook by. */
  readonly watched: number
}

/** Writes a line to the log. `hook`: the hook that the line is about. */
type Log = (level: LogLevel, message: string, hook?: HookName) => void

export class Dispatcher {
  readonly #entries = new Map<HookName, Entry[]>()
  /** The time that each hook has: an addon that never answers fails its flow, and no other. */
  readonly time = new HookTime()
  /** Names the hook that never returns. It has to be started. */
  readonly watch = new HookWatch()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Adds an addon behind all others of its rank and of lower ranks. Throws ERR_HOOK for a method whose name is nearly that of a
   * hook.
   */
  add(addon: Addon, rank = LAST_RANK): void {
    const label = addon.name ?? 'addon'
    const file = fileOf(addon)
    const shown = file === undefined || file === label ? label : `${label} (${file})`
    for (const name of hooksOf(addon)) {
      const method = (addon as unknown as Record<HookName, Method>)[name]
      const watched = this.watch.add(`the hook ${name} of addon ${shown}`)
      const entry: Entry = { addon, rank, label, method, watched }
      const entries = this.#entries.get(name) ?? []
      const later = entries.findIndex((other) => other.rank > rank)
      // The list is a new one, because a hook that is running goes through the old one.
      this.#entries.set(name, entries.toSpliced(later === -1 ? entries.length : later, 0, entry))
    }
  }

  remove(addon: Addon): void {
    for (const [name, entries] of this.#entries) {
      const rest = entries.filter((entry) => entry.addon !== addon)
      for (const entry of entries) if (entry.addon === addon) this.watch.remove(entry.watched)
      if (rest.length > 0) this.#entries.set(name, rest)
      else this.#entries.delete(name)
    }
  }

  wants(name: HookName): boolean {
    return this.#entries.has(name)
  }

  /** Runs a hook. The answer is a promise where an addon has to be waited for, else undefined. Never throws or rejects. */
  run<Name extends HookName>(name: Name, subject: Hooks[Name]): Promise<void> | undefined {
    const entries = this.#entries.get(name)
    if (!entries) return undefined
    for (let index = 0; index < entries.length; index += 1) {
      const promise = this.#call(entries[index] as Entry, name, subject)
      if (promise) return this.#rest(entries, index, promise, name, subject)
    }
    return undefined
  }

  /**
   * Calls `configure` of every addon, or of `only`. Throws ERR_OPTION where an addon throws, which refuses the options. A promise
   * that an addon returns is not waited for.
   */
  configure(change: ConfigureHook, only?: Addon): void {
    for (const entry of this.#entries.get('configure') ?? []) {
      if (only && entry.addon !== only) continue
      try {
        const result = this.#invoke(entry, change)
        if (isThenable(result)) void this.#withTimeout(entry, 'configure', change, result)
      } catch (cause) {
        const { text } = describe(cause)
        throw new MidwireError('ERR_OPTION', `addon ${entry.label} refuses the options: ${text}`, { cause })
      }
    }
  }

  /** Calls `load` of an addon. Throws ERR_HOOK where the addon throws. A promise that the addon returns is not waited for. */
  load(proxy: Hooks['load'], addon: Addon): void {
    const entry = this.#entries.get('load')?.find((one) => one.addon === addon)
    if (!entry) return
    try {
      const result = this.#invoke(entry, proxy)
      if (isThenable(result)) void this.#withTimeout(entry, 'load', undefined, result)
    } catch (cause) {
      throw new MidwireError('ERR_HOOK', `addon ${entry.label} has failed in load: ${describe(cause).text}`, { cause })
    }
  }

  async #rest(entries: Entry[], index: number, first: Promise<void>, name: HookName, subject: unknown): Promise<void> {
    await first
    for (const entry of entries.slice(index + 1)) await this.#call(entry, name, subject)
  }

  /** Calls the method of one addon. The answer is a promise where the method returns one. */
  #call(entry: Entry, name: HookName, subject: unknown): Promise<void> | undefined {
    try {
      const result = this.#invoke(entry, subject)
      return isThenable(result) ? this.#withTimeout(entry, name, subject, result) : undefined
    } catch (error) {
      this.#failed(entry, name, subject, error)
      return undefined
    }
  }

  #invoke(entry: Entry, subject: unknown): unknown {
    const before = this.watch.enter(entry.watched)
    try {
      return entry.method.call(entry.addon, subject)
    } finally {
      this.watch.leave(before)
    }
  }

  async #withTimeout(entry: Entry, name: HookName, subject: unknown, result: PromiseLike<unknown>): Promise<void> {
    try {
      await this.time.within(result, flowOf(subject))
    } catch (error) {
      this.#failed(entry, name, subject, error)
    }
  }

  #failed({ label }: Entry, name: HookName, subject: unknown, error: unknown): void {
    const { text, where } = describe(error)
    this.#log('error', `addon ${label} has failed in ${name}: ${text}${where ? ` (${where})` : ''}`, name)
    // An addon that sets `valid` and then fails lets no client in.
    if (name === 'socks5_auth') (subject as Socks5AuthHook).valid = false
    const flow = flowOf(subject)
    if (flow?.live) {
      flow.error ??= { message: `addon ${label} has failed in ${name}: ${text}`, timestamp: Date.now() }
    }
  }
}

/** The flow that a hook is about; undefined where it is about something else. */
function flowOf(subject: unknown): Flow | undefined {
  const flow = subject instanceof Flow ? subject : (subject as Partial<HttpMessageHook> | undefined)?.flow
  return flow instanceof Flow ? flow : undefined
}

/** The text of a thrown value, which may be anything, and the line that threw it, if that is known. */
export function describe(thrown: unknown): { text: string; where: string | undefined } {
  try {
    if (!(thrown instanceof Error)) return { text: String(thrown), where: undefined }
    return { text: String(thrown.message), where: String(thrown.stack).split('\n')[1]?.trim() }
  } catch {
    return { text: 'a value that cannot be shown was thrown', where: undefined }
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
