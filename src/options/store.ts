// The options while midwire runs. An update changes all of its options or none; readers get snapshots, which never change.
import { MidwireError } from '../errors.js'
import { checkTogether } from './checks.js'
import {
  type GivenOptions,
  OPTIONS,
  type OptionDefinition,
  type OptionDefinitions,
  type OptionSnapshot,
  type OptionValue,
} from './definitions.js'
import { checkDefinitions, unknownOption } from './names.js'
import { readValue, sameValue } from './values.js'

/**
 * Called during an update, with the new options and the names of those that change. A listener that throws refuses the update,
 * and then no option changes. A promise that it returns is not waited for.
 */
export type OptionListener = (options: OptionSnapshot, changed: ReadonlySet<string>) => void

interface Subscription {
  /** The options that the listener is for; undefined for all. */
  readonly names: readonly string[] | undefined
  readonly listener: OptionListener
}

interface Defined {
  readonly definition: OptionDefinition
  readonly owner: string
}

export class OptionStore {
  readonly #defined = new Map<string, Defined>()
  readonly #subscriptions = new Set<Subscription>()
  /** Values of options that are not defined yet. Those that are left when `begin` is called are an error. */
  readonly #waiting = new Map<string, unknown>()
  #snapshot: OptionSnapshot
  #begun = false
  #notifying = false

  constructor() {
    this.#snapshot = Object.freeze({}) as OptionSnapshot
    this.#defineAll('midwire', OPTIONS)
  }

  /** The present values. An update makes a new snapshot, so a connection can keep the snapshot that the connection began with. */
  get snapshot(): OptionSnapshot {
    return this.#snapshot
  }

  /** The options that are defined now. */
  get definitions(): OptionDefinitions {
    return Object.fromEntries([...this.#defined].map(([name, { definition }]) => [name, definition]))
  }

  /**
   * Defines options of an addon; values that were given for them before now count. The function that is returned removes the options.
   * Throws ERR_OPTION for an invalid definition, for a name that is taken, and for a wrong value, and then defines none of them.
   */
  define(owner: string, definitions: OptionDefinitions): () => void {
    this.#mayChange()
    checkDefinitions(owner, definitions)
    const taken = Object.keys(definitions).find((name) => this.#defined.has(name))
    if (taken !== undefined) {
      const by = this.#defined.get(taken)?.owner
      throw new MidwireError('ERR_OPTION', `${owner} defines the option \`${taken}\`, which ${by} has defined already`)
    }
    this.#defineAll(owner, definitions)
    return () => this.#undefine(Object.keys(definitions).filter((name) => definitions[name] === this.#of(name)))
  }

  /** Called when midwire starts. From now on a value for an option that is not defined is an error. Throws ERR_OPTION for such a value. */
  begin(): void {
    const [unknown] = this.#waiting.keys()
    if (unknown !== undefined) throw unknownOption(unknown, this.#defined.keys())
    this.#begun = true
  }

  /**
   * Changes all of these values, or none. Throws ERR_OPTION for an unknown name, for a value that is wrong by itself or together with
   * others, and for an option that is read only when midwire starts. Throws the error of a listener that refuses.
   */
  update(values: GivenOptions): void {
    const next: Record<string, OptionValue> = { ...this.#snapshot }
    const changed = new Set<string>()
    const waiting = new Map<string, unknown>()
    for (const [name, value] of Object.entries(values)) {
      const definition = this.#of(name)
      if (definition) {
        next[name] = readValue(definition, value, name, this.#snapshot[name])
        if (!sameValue(next[name], this.#snapshot[name])) changed.add(name)
      } else if (this.#begun) throw unknownOption(name, this.#defined.keys())
      else waiting.set(name, value)
    }
    const late = this.#begun && [...changed].find((name) => this.#of(name)?.fixed)
    if (late) {
      throw new MidwireError('ERR_OPTION', `${late} is read when midwire starts: start it anew with the new value`)
    }
    const snapshot = Object.freeze(next) as OptionSnapshot
    checkTogether(snapshot)
    if (changed.size > 0) this.#change(snapshot, changed)
    for (const [name, value] of waiting) this.#waiting.set(name, value)
  }

  /**
   * Calls a listener at each change of one of these options, or of any option where `names` is undefined. The function that is returned
   * ends this. Listeners are called within `update`, in the order in which they subscribed. Throws ERR_OPTION for an unknown name.
   */
  subscribe(names: readonly string[] | undefined, listener: OptionListener): () => void {
    const unknown = names?.find((name) => !this.#defined.has(name))
    if (unknown !== undefined) throw unknownOption(unknown, this.#defined.keys())
    const subscription = { names, listener }
    this.#subscriptions.add(subscription)
    return () => this.#subscriptions.delete(subscription)
  }

  #of(name: string): OptionDefinition | undefined {
    return this.#defined.get(name)?.definition
  }

  #defineAll(owner: string, definitions: OptionDefinitions): void {
    const entries = Object.entries(definitions)
    const values = entries.map(([name, one]) => [name, readValue(one, this.#waiting.get(name), name)])
    for (const [name, definition] of entries) {
      this.#defined.set(name, { definition, owner })
      this.#waiting.delete(name)
    }
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...Object.fromEntries(values) })
  }

  #undefine(names: readonly string[]): void {
    for (const name of names) this.#defined.delete(name)
    const rest = Object.entries(this.#snapshot).filter(([name]) => !names.includes(name))
    this.#snapshot = Object.freeze(Object.fromEntries(rest)) as OptionSnapshot
  }

  #mayChange(): void {
    if (!this.#notifying) return
    throw new MidwireError('ERR_OPTION', 'a listener cannot change options while it is called: do it later')
  }

  /** Notifies the listeners. If one refuses, that one and all that were notified before it are called again, with the old values. */
  #change(snapshot: OptionSnapshot, changed: ReadonlySet<string>): void {
    this.#mayChange()
    const before = this.#snapshot
    const notified: OptionListener[] = []
    this.#notifying = true
    this.#snapshot = snapshot
    try {
      for (const { names, listener } of [...this.#subscriptions]) {
        if (names && !names.some((name) => changed.has(name))) continue
        notified.push(listener)
        listener(snapshot, changed)
      }
    } catch (error) {
      this.#snapshot = before
      for (const listener of notified) ignoringErrors(() => listener(before, changed))
      throw error
    } finally {
      this.#notifying = false
    }
  }
}

/** For listeners that are called again after one has refused: the error of the refusal is thrown, so theirs are not needed. */
function ignoringErrors(call: () => void): void {
  try {
    call()
  } catch {}
}
