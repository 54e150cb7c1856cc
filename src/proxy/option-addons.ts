// Keeps the addons that exist only while an option has a value in step with the options.
import { BY_OPTION, type ByOption, type OptionAddon, type Output, type Surroundings } from '../addons/by-option.js'
import type { Addon } from '../hooks.js'
import type { OptionSnapshot, OptionValue } from '../options/definitions.js'
import { sameValue } from '../options/values.js'
import type { Views } from '../views/render.js'
import type { Commands } from './commands.js'
import { withoutDisabled } from './disabled-rules.js'
import type { Dispatcher } from './dispatch.js'

/** The option's value, and the addon that was made for it. */
interface Made {
  readonly value: OptionValue
  readonly addon: OptionAddon
}

type All = ReadonlyMap<ByOption, Made>

/** Where addons define what can be done and shown by name. */
interface Registries {
  readonly commands: Commands
  readonly views: Views
}

export class OptionAddons {
  readonly #dispatcher: Dispatcher
  readonly #own: Registries
  readonly #surroundings: Surroundings
  readonly #list: readonly ByOption[]
  #made: All = new Map()
  #outputs: readonly Output[] = []
  /** The addons before the update that is under way. An update that is refused takes them again, and makes none anew. */
  #before: All = new Map()
  /** What removes the commands and views of each addon that is there. */
  readonly #undefine = new Map<Addon, () => void>()

  constructor(dispatcher: Dispatcher, own: Registries, surroundings: Surroundings, list = BY_OPTION) {
    this.#dispatcher = dispatcher
    this.#own = own
    this.#surroundings = surroundings
    this.#list = list
  }

  /**
   * Adds, replaces and removes addons with their commands as the options say, and returns those that have come. Throws ERR_OPTION for a
   * value that is wrong, and ERR_COMMAND for a command that a user's addon has defined already; then it changes nothing. An update
   * that is refused after this call calls again, with the old options.
   */
  follow(options: OptionSnapshot): Addon[] {
    const before = this.#made
    const next = new Map<ByOption, Made>()
    const enabled = withoutDisabled(options.disabled_rules as readonly string[])
    for (const entry of this.#list) {
      const value = enabled(entry.option, options[entry.option] as OptionValue)
      if (isEmpty(value) || (entry.and && !options[entry.and])) continue
      const kept = [before, this.#before]
        .map((made) => made.get(entry))
        .find((one) => one && sameValue(one.value, value))
      const make = entry.make as (value: OptionValue, surroundings: Surroundings) => OptionAddon
      next.set(entry, kept ?? { value, addon: make(value, this.#surroundings) })
    }
    for (const entry of this.#list) {
      const [left, come] = [before.get(entry)?.addon, next.get(entry)?.addon]
      if (left !== come) this.#own.commands.check(come?.commands ?? {}, left?.commands)
    }
    const added: Addon[] = []
    for (const [rank, entry] of this.#list.entries()) {
      const [left, come] = [before.get(entry)?.addon, next.get(entry)?.addon]
      if (left === come) continue
      if (left) this.#remove(left)
      if (!come) continue
      this.#dispatcher.add(come, rank)
      this.#undefine.set(come, this.#define(come))
      added.push(come)
    }
    this.#made = next
    this.#before = before
    this.#outputs = [...next.values()].flatMap(({ addon }) => addon.output ?? [])
    // The update is over by then. A value that is given again later is to be read anew, as is the file that it names.
    queueMicrotask(() => {
      this.#before = new Map()
    })
    return added
  }

  #define({ name, commands = {}, views = [] }: Addon): () => void {
    const undo = [this.#own.commands.define(commands), this.#own.views.add(views, name)]
    return () => {
      for (const step of undo) step()
    }
  }

  /** The outputs of the addons that are there. */
  get outputs(): readonly Output[] {
    return this.#outputs
  }

  #remove(addon: OptionAddon): void {
    this.#dispatcher.remove(addon)
    void addon.output?.close()
    this.#undefine.get(addon)?.()
    this.#undefine.delete(addon)
  }
}

const isEmpty = (value: OptionValue): boolean =>
  value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0)
