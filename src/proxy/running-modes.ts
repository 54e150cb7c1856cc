// The modes of a proxy: started together, and changed while they run.
import type { Listener, ModeContext, ModeSpec, RunningMode } from '../modes/mode.js'
import { checkSource, checkSpecs, modeOf, parseSpec } from '../modes/spec.js'
import type { Options } from '../options/definitions.js'
import { checkWay } from './exits/tunnel-file.js'

/** The modes that run together where none is given. */
export const DEFAULT_MODES: readonly string[] = ['wireguard', 'regular']

export class RunningModes {
  readonly #contextFor: (specs: readonly ModeSpec[]) => ModeContext
  #running: readonly RunningMode[] = []
  /** Changes wait for each other. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false
  /** The list as it was asked for last, and those of it that could not be started. */
  #specs: readonly ModeSpec[] = []
  #failures = new Map<ModeSpec, Error>()

  /** `contextFor` makes what the modes of a list of specs are started with. */
  constructor(contextFor: (specs: readonly ModeSpec[]) => ModeContext) {
    this.#contextFor = contextFor
  }

  get all(): readonly RunningMode[] {
    return this.#running
  }

  /** Each of the list, in its order: as it runs, or why it does not. */
  states(): {
    readonly spec: ModeSpec
    readonly running: RunningMode | undefined
    readonly failure: Error | undefined
  }[] {
    const left = [...this.#running]
    return this.#specs.map((spec) => {
      const index = left.findIndex((running) => running.spec.text === spec.text)
      const running = index === -1 ? undefined : left.splice(index, 1)[0]
      return { spec, running, failure: running ? running.failure : this.#failures.get(spec) }
    })
  }

  /** Where they listen. */
  get listeners(): readonly Listener[] {
    return this.#running.flatMap(({ listeners }) => listeners)
  }

  /** The firewall mark that what midwire sends has to have, for the sake of a mode that runs; undefined for none. */
  get mark(): number | undefined {
    for (const { mark } of this.#running) if (mark !== undefined) return mark
    return undefined
  }

  /** Starts all of them; throws the error of the first that cannot be started. Those before it run then. */
  async start(specs: readonly ModeSpec[]): Promise<void> {
    this.#specs = specs
    const context = this.#contextFor(specs)
    for (const spec of specs) await check(spec, context)
    for (const spec of specs) this.#running = [...this.#running, await modeOf(spec).start(spec, context)]
  }

  /**
   * Changes the list: modes that are in it no more are closed first, then new ones are started; the rest go on as they are. The answer
   * has the errors of those that could not be started, in the order of the list.
   */
  change(specs: readonly ModeSpec[]): Promise<Error[]> {
    const changed = this.#last.then(() => this.#change(specs))
    this.#last = changed
    return changed
  }

  async #change(specs: readonly ModeSpec[]): Promise<Error[]> {
    if (this.#closed) return []
    this.#specs = specs
    this.#failures = new Map()
    const left = [...this.#running]
    // Two modes may have one spec: `regular@0` twice listens on two ports.
    const kept = specs.map((spec) => {
      const index = left.findIndex((running) => running.spec.text === spec.text)
      return index === -1 ? undefined : left.splice(index, 1)[0]
    })
    this.#running = kept.filter((running) => running !== undefined)
    await Promise.allSettled(left.map((running) => running.close()))
    const context = this.#contextFor(specs)
    const failures: Error[] = []
    for (const [index, spec] of specs.entries()) {
      if (kept[index] || this.#closed) continue
      try {
        await check(spec, context)
        const running = await modeOf(spec).start(spec, context)
        this.#running = [...this.#running, running]
        if (this.#closed) await running.close()
      } catch (error) {
        failures.push(error as Error)
        this.#failures.set(spec, error as Error)
      }
    }
    return failures
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running.map((running) => running.close()))
    this.#running = []
  }
}

/** Checks the files that a spec names. Throws a MidwireError. */
async function check(spec: ModeSpec, context: ModeContext): Promise<void> {
  checkWay(spec.via)
  await modeOf(spec).check?.(spec, context)
}

/** The specs of the option. Throws ERR_MODE. */
export function specsOf(options: Options): ModeSpec[] {
  if (!options.server) return []
  const specs = (options.mode.length > 0 ? options.mode : DEFAULT_MODES).map(parseSpec)
  checkSpecs(specs, options)
  checkSource(specs, options)
  return specs
}
