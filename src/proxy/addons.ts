// Adds addons to a proxy, with their options, commands and views, and takes them out again.
import type { Addon, ConfigureHook, Hooks } from '../hooks.js'
import type { OptionStore } from '../options/store.js'
import type { Views } from '../views/render.js'
import type { Commands } from './commands.js'
import type { Dispatcher } from './dispatch.js'
import { defineOf } from './options.js'

/** The parts of a proxy that an addon may add to. */
interface Parts {
  readonly proxy: Hooks['load'] & { readonly commands: Commands; readonly views: Views }
  readonly store: OptionStore
  readonly dispatcher: Dispatcher
}

export class Addons {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Adds an addon before the proxy has begun; the returned function takes it out. Throws ERR_HOOK, ERR_OPTION and ERR_COMMAND. */
  add(addon: Addon, rank: number): () => void {
    const { proxy, store, dispatcher } = this.#parts
    const undo = [defineOf(store, addon)]
    const remove = () => {
      for (const step of undo) step()
    }
    try {
      undo.push(proxy.commands.define(addon.commands ?? {}))
      undo.push(proxy.views.add(addon.views ?? [], addon.name))
      dispatcher.add(addon, rank)
      undo.push(() => dispatcher.remove(addon))
    } catch (error) {
      remove()
      throw error
    }
    return remove
  }

  /** Adds an addon while the proxy runs, and starts it. Throws the same, and what `start` throws. */
  join(addon: Addon, rank: number): () => void {
    const remove = this.add(addon, rank)
    try {
      this.start(addon)
    } catch (error) {
      remove()
      throw error
    }
    return remove
  }

  /** Calls the hooks `load` and `configure` of an addon that was added. Throws ERR_HOOK and ERR_OPTION where they throw. */
  start(addon: Addon): void {
    const { proxy, dispatcher } = this.#parts
    dispatcher.load(proxy, addon)
    dispatcher.configure(this.allOptions(), addon)
  }

  /** The change of options that an addon hears of first: all of them. */
  allOptions(): ConfigureHook {
    const options = this.#parts.store.snapshot
    return { options, changed: new Set(Object.keys(options)) }
  }
}
