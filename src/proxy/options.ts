// `proxy.options`: the options of a running proxy, as programs read and change them.
import { loadScripts } from '../addons/scripts.js'
import type { Addon } from '../hooks.js'
import type {
  GivenOptions,
  GivenValue,
  OptionDefinitions,
  OptionName,
  OptionSnapshot,
  Options,
  OptionValue,
} from '../options/definitions.js'
import { unknownOption } from '../options/names.js'
import { type OptionListener, OptionStore } from '../options/store.js'

/** The options of a running proxy. */
export class ProxyOptions {
  readonly #store: OptionStore

  /** @internal */
  constructor(store: OptionStore) {
    this.#store = store
  }

  /** All values as they are now. A snapshot never changes: read it again after a change. */
  get snapshot(): OptionSnapshot {
    return this.#store.snapshot
  }

  /** Every option that is defined now, with those of addons and scripts. */
  get definitions(): OptionDefinitions {
    return this.#store.definitions
  }

  /** The value of an option as it is now. Throws ERR_OPTION for an unknown name. */
  get<Name extends OptionName>(name: Name): Options[Name]
  get(name: string): OptionValue
  get(name: string): OptionValue {
    const { snapshot } = this.#store
    if (Object.hasOwn(snapshot, name)) return snapshot[name]
    throw unknownOption(name, Object.keys(snapshot))
  }

  /**
   * Changes options, all that are given or none: `set({ ssl_insecure: true, tcp_timeout: 60 })`, `set('flow_detail', 2)`. A
   * change applies to connections that begin from now on; open ones keep the values that they began with. Outputs and addons
   * follow at once. Undefined and the empty text mean the default; `toggle` the opposite of a boolean. Throws ERR_OPTION for names
   * and values that are wrong, for options that are read only when midwire starts (`fixed` in its definition: listen_host, scripts,
   * store_disk and others), and where an addon refuses the change; ERR_FILTER and
   * ERR_ARGUMENT for filters, name servers, connect_addr and files of certificates that are wrong.
   */
  set(values: GivenOptions): void
  set(name: string, value: GivenValue): void
  set(given: GivenOptions | string, value?: GivenValue): void {
    this.#store.update(typeof given === 'string' ? { [given]: value } : given)
  }

  /**
   * Calls `listener` when one of these options changes, until the returned function is called. The listener runs in the middle of
   * `set`, may not change options itself, and refuses the change by throwing. Throws ERR_OPTION for an unknown name.
   */
  onChange(names: string | readonly string[], listener: OptionListener): () => void {
    return this.#store.subscribe([names].flat(), listener)
  }

  /**
   * Defines options; the returned function removes them. An addon's property `options` does the same. Throws ERR_OPTION for
   * definitions that are wrong, and for names that are taken.
   */
  define(definitions: OptionDefinitions): () => void {
    return this.#store.define('the program', definitions)
  }
}

/** Defines the options of an addon, if it has any; the returned function removes them. Throws ERR_OPTION. */
export const defineOf = (store: OptionStore, { name, options = {} }: Addon): (() => void) =>
  store.define(name ? `addon ${name}` : 'an addon', options)

/**
 * Every option of midwire and of these scripts, for lists of options. The scripts are loaded, and none of their hooks is called.
 * Throws ERR_SCRIPT and ERR_OPTION.
 */
export async function optionDefinitions(scripts: readonly string[] = []): Promise<OptionDefinitions> {
  const store = new OptionStore()
  for (const addon of await loadScripts(scripts)) defineOf(store, addon)
  return store.definitions
}
