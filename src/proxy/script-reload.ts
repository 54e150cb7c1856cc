// Loads scripts anew when their files change, without losing the state that they declare.
import { filesOf, versionOf } from '../addons/script-files.js'
import { fileOf, reloadScript, stateOf } from '../addons/scripts.js'
import type { Addon, LogLevel } from '../hooks.js'
import type { GivenOptions, OptionSnapshot, OptionValue } from '../options/definitions.js'
import { describe, isThenable } from './dispatch.js'

/** Milliseconds between two looks at the files. */
const INTERVAL = 1_000

/** The proxy, as its scripts need it. */
interface Host {
  /** The values of all options. */
  values(): OptionSnapshot
  set(values: GivenOptions): void
  /** Adds an addon with its options and commands; the answer takes it out again. */
  add(addon: Addon, rank: number): () => void
  /** Calls the `load` and `configure` of an addon that was added. Throws what these throw. */
  start(addon: Addon): void
  log(level: LogLevel, message: string): void
}

/** An addon that was added to the proxy, with its place among addons and the function that takes it out again. */
interface Added {
  readonly addon: Addon
  readonly rank: number
  readonly remove: () => void
}

/** A script that runs: its addons, each with the function that takes it out, and the place of them all among addons. */
interface Script {
  readonly path: string
  readonly rank: number
  files: readonly string[]
  addons: readonly Addon[]
  remove: (() => void)[]
  version: string
}

export class ScriptReload {
  readonly #host: Host
  readonly #scripts = new Map<string, Script>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(host: Host) {
    this.#host = host
  }

  /** Begins to watch the files of those addons that are from scripts. */
  begin(addons: readonly Added[]): void {
    for (const { addon, rank, remove } of addons) {
      const path = fileOf(addon)
      if (path === undefined) continue
      const files = filesOf(path)
      const known = this.#scripts.get(path)
      const script = known ?? { path, rank, files, version: versionOf(files), addons: [], remove: [] }
      script.addons = [...script.addons, addon]
      script.remove.push(remove)
      this.#scripts.set(path, script)
    }
    if (this.#scripts.size > 0) this.#timer = setInterval(() => void this.look(), INTERVAL).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#scripts.clear()
  }

  /** Loads those scripts anew whose files have changed. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      for (const script of this.#scripts.values()) {
        if (versionOf(script.files) === script.version) continue
        // Another text may import other files.
        script.files = filesOf(script.path)
        script.version = versionOf(script.files)
        await this.#reload(script)
      }
    } finally {
      this.#looking = false
    }
  }

  async #reload(script: Script): Promise<void> {
    const { path } = script
    try {
      const addons = await reloadScript(path)
      if (!this.#scripts.has(path)) return
      for (const [index, addon] of addons.entries()) handOver(script.addons[index], addon)
      this.#replace(script, addons)
      this.#host.log('info', `the script ${path} has changed and was loaded anew`)
    } catch (error) {
      const { cause } = error as Error
      const { where } = describe(cause ?? error)
      const place = where?.includes(path) ? ` (${where})` : ''
      this.#host.log('error', `${(error as Error).message}${place}; the script goes on as it was before the change`)
    }
  }

  /** Puts the new addons in the place of the old ones; where that cannot be, the old ones stay. */
  #replace(script: Script, addons: readonly Addon[]): void {
    const old = script.addons
    const values = this.#host.values()
    for (const remove of script.remove.splice(0)) remove()
    try {
      this.#add(script, addons, values)
      for (const addon of addons) this.#host.start(addon)
    } catch (error) {
      for (const remove of script.remove.splice(0)) remove()
      // The old addons have been started already, and know their options.
      this.#add(script, old, values)
      throw error
    }
    for (const addon of old) this.#end(addon)
  }

  /** Adds the addons, with the values that their options had. */
  #add(script: Script, addons: readonly Addon[], values: Readonly<Record<string, OptionValue>>): void {
    script.addons = addons
    for (const addon of addons) {
      script.remove.push(this.#host.add(addon, script.rank))
      for (const name of Object.keys(addon.options ?? {})) {
        if (values[name] === undefined) continue
        try {
          this.#host.set({ [name]: values[name] })
        } catch {
          // The option is of another kind now, or is read only at the start: it has its default.
        }
      }
    }
  }

  /** The hook `done` of an addon that is gone. */
  #end(addon: Addon): void {
    const failed = (error: unknown) =>
      this.#host.log('error', `addon ${addon.name} has failed in done: ${describe(error).text}`)
    try {
      const result = addon.done?.()
      if (isThenable(result)) result.then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** Gives the new addon the values of the old one's `state`, for the names that both declare. */
function handOver(before: Addon | undefined, after: Addon): void {
  const [old, state] = [before && stateOf(before), stateOf(after)]
  if (!old || !state) return
  for (const name of Object.keys(state)) if (Object.hasOwn(old, name)) state[name] = old[name]
}
