// Options while midwire runs: they are defined, changed all or nothing, and read as snapshots that never change.
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

/** Told of a change that is about to count. To refuse it, throw: everything stays as it was. It is not waited for. */
export type OptionListener = (options: OptionSnapshot, changed: ReadonlySet<string>) => void

interface Subscription {
  /** Undefined for all of them. */
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
  /** Values of options that nobody has defined yet; they are an error once midwire begins. */
  readonly #waiting = new Map<string, unknown>()
  #snapshot: OptionSnapshot
  #begun = false
  #telling = false

  constructor() {
    this.#snapshot = Object.freeze({}) as OptionSnapshot
    this.#defineAll('midwire', OPTIONS)
  }

  /** The values as they are now. A change makes a new snapshot, so that a connection can keep the one that it began with. */
  get snapshot(): OptionSnapshot {
    return this.#snapshot
  }

  /** Every option that is defined now. */
  get definitions(): OptionDefinitions {
    return Object.fromEntries([...this.#defined].map(([name, { definition }]) => [name, definition]))
  }

  /**
   * Defines options of an addon, with values that were given before; the answer takes them away again. Throws ERR_OPTION for
   * definitions that are none, names that are taken, and such values that are wrong, and then defines none of them.
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

  /** Ends the time in which anything may be given: throws ERR_OPTION for values whose option nobody has defined. */
  begin(): void {
    const [unknown] = this.#waiting.keys()
    if (unknown !== undefined) throw unknownOption(unknown, this.#defined.keys())
    this.#begun = true
  }

  /**
   * Changes values, all of them or none: throws ERR_OPTION for a name that is none, a value that is wrong by itself or beside
   * others, and an option that is read only when midwire starts; and whatever a listener throws.
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
   * Calls a listener at each change of one of these options, or of any where `names` is undefined; the answer ends that. The
   * listeners are called in the order in which they subscribed, in the midst of `update`. Throws ERR_OPTION for a name that
   * is none.
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
    if (!this.#telling) return
    throw new MidwireError('ERR_OPTION', 'options cannot be changed while a change of them is being told: do it later')
  }

  /** A listener that refuses is told of the old values again, and so is everyone who was told before it. */
  #change(snapshot: OptionSnapshot, changed: ReadonlySet<string>): void {
    this.#mayChange()
    const before = this.#snapshot
    const told: OptionListener[] = []
    this.#telling = true
    this.#snapshot = snapshot
    try {
      for (const { names, listener } of [...this.#subscriptions]) {
        if (names && !names.some((name) => changed.has(name))) continue
        told.push(listener)
        listener(snapshot, changed)
      }
    } catch (error) {
      this.#snapshot = before
      for (const listener of told) attempt(() => listener(before, changed))
      throw error
    } finally {
      this.#telling = false
    }
  }
}

/** What fails on the way back has failed on the way there, too: that error is the one that is thrown. */
function attempt(call: () => void): void {
  try {
    call()
  } catch {
    // Said already.
  }
}
