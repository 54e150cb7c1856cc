// The commands of a proxy by their names: midwire's own, and those that addons define.
import type { CommandArgument, CommandDefinition, CommandDefinitions } from '../commands.js'
import { MidwireError, nearest } from '../errors.js'
import { Flow } from '../flow/flow.js'
import type { AnyFlow } from '../flow/index.js'
import { expandHome } from '../options/paths.js'

/** A command with its name, as `list` has it. */
export interface CommandInfo {
  readonly name: string
  readonly help: string
  readonly arguments: readonly CommandArgument[]
}

const NAME = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/

export class Commands {
  readonly #definitions = new Map<string, CommandDefinition>()
  readonly #choose: (text: string) => AnyFlow[] | Promise<AnyFlow[]>

  readonly #redacted: <F extends AnyFlow>(flow: F) => F

  /** `choose`: the flows that a text names; it throws ERR_FILTER. `redacted`: a flow as outputs may see it (default: as it is). */
  constructor(
    choose: (text: string) => AnyFlow[] | Promise<AnyFlow[]>,
    redacted: <F extends AnyFlow>(flow: F) => F = (flow) => flow,
  ) {
    this.#choose = choose
    this.#redacted = redacted
  }

  /** All commands, by name. */
  list(): CommandInfo[] {
    return [...this.#definitions]
      .map(([name, { help, arguments: wanted }]) => ({ name, help, arguments: wanted }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /**
   * Throws ERR_COMMAND for a name that is taken, or is no name. The names of `leaving`, which is about to be removed, are free.
   * @internal
   */
  check(definitions: CommandDefinitions, leaving: CommandDefinitions = {}): void {
    for (const name of Object.keys(definitions)) {
      if (!NAME.test(name)) throw wrong(`${JSON.stringify(name)} is no name of a command: lower-case words and dots`)
      const isTaken = this.#definitions.has(name) && !Object.hasOwn(leaving, name)
      if (isTaken) throw wrong(`there is a command ${name} already`)
    }
  }

  /** Adds commands; the returned function removes them. Throws ERR_COMMAND for a name that is taken, or is no name. */
  define(definitions: CommandDefinitions): () => void {
    this.check(definitions)
    for (const [name, definition] of Object.entries(definitions)) this.#definitions.set(name, definition)
    return () => {
      for (const name of Object.keys(definitions)) this.#definitions.delete(name)
    }
  }

  /**
   * Performs a command. A value is what its function wants, or a text as a user would type it: `call('flow.mark', '~d example.org')`.
   * Rejects with ERR_COMMAND for a command that is unknown, and for values that are wrong; else with what the command throws.
   */
  async call(name: string, ...values: readonly unknown[]): Promise<unknown> {
    const definition = this.#definitions.get(name)
    if (!definition) {
      const meant = nearest(name, [...this.#definitions.keys()])
      throw wrong(`there is no command ${name}${meant ? `, did you mean ${meant}?` : ''}`)
    }
    const given = await this.#read(name, definition.arguments, values)
    const read = definition.shows ? given.map((value) => this.#asShown(value)) : given
    return await (definition.run as (...values: unknown[]) => unknown)(...read)
  }

  #asShown(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#asShown(one))
    return value instanceof Flow ? this.#redacted(value as AnyFlow) : value
  }

  async #read(name: string, wanted: readonly CommandArgument[], values: readonly unknown[]): Promise<unknown[]> {
    const usage = () => `usage: ${usageOf(name, wanted)}`
    const last = wanted.at(-1)
    if (values.length > wanted.length && !last?.rest) throw wrong(`${name} has too many arguments; ${usage()}`)
    const read: unknown[] = []
    for (let index = 0; index < Math.max(values.length, wanted.length); index++) {
      const argument = wanted[Math.min(index, wanted.length - 1)] as CommandArgument
      const value = values[index]
      if (value !== undefined) read.push(await this.#value(`${name}: ${argument.name}`, argument, value))
      else if (argument.optional || argument.rest) read.push(undefined)
      else throw wrong(`${name} wants ${argument.name}; ${usage()}`)
    }
    return read.slice(0, last?.rest ? Math.max(values.length, wanted.length - 1) : wanted.length)
  }

  async #value(place: string, { type, choices }: CommandArgument, value: unknown): Promise<unknown> {
    const refuse = (what: string) => wrong(`${place} must be ${what}, not ${shown(value)}`)
    if (type === 'flows' || type === 'flow') {
      const flows = typeof value === 'string' ? await this.#choose(value) : [value].flat()
      if (!flows.every((flow) => flow instanceof Flow)) throw refuse('flows, or a text that chooses some')
      if (type === 'flows') return flows
      if (flows.length !== 1) throw wrong(`${place} must be one flow, and ${shown(value)} chooses ${flows.length}`)
      return flows[0]
    }
    if (type === 'number') {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      if (typeof number !== 'number' || Number.isNaN(number)) throw refuse('a number')
      return number
    }
    if (type === 'boolean') {
      if (value === true || value === 'true') return true
      if (value === false || value === 'false') return false
      throw refuse('true or false')
    }
    if (typeof value !== 'string') throw refuse('a text')
    if (type === 'choice' && !choices?.includes(value)) throw refuse(`one of ${choices?.join(', ')}`)
    return type === 'path' ? expandHome(value) : value
  }
}

/** `flow.mark FLOWS [MARK]`. */
export const usageOf = (name: string, wanted: readonly CommandArgument[]): string =>
  [name, ...wanted.map(shownArgument)].join(' ')

function shownArgument({ name, optional, rest }: CommandArgument): string {
  const text = `${name.toUpperCase()}${rest ? ' ...' : ''}`
  return optional || rest ? `[${text}]` : text
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

const wrong = (text: string) => new MidwireError('ERR_COMMAND', text)
