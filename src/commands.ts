// The types of commands: what a user can have midwire do by name, from a program, the command line, the page, or another addon.
import type { AnyFlow } from './flow/index.js'

/**
 * What an argument is. `text`; `number`: any number; `boolean`; `path`: a path, where `~` is the home directory; `flow`: one flow;
 * `flows`: several, chosen by a filter, an id, `@all` or `@marked`; `choice`: one of `choices`.
 */
export type ArgumentType = 'text' | 'number' | 'boolean' | 'path' | 'flow' | 'flows' | 'choice'

export interface CommandArgument {
  readonly name: string
  readonly type: ArgumentType
  /** For the type choice: all possible values. */
  readonly choices?: readonly string[]
  /** True: it may be left out. Only the last arguments can be. Default: false. */
  readonly optional?: boolean
  /** True: the last argument, which takes all values that are left, as an array. Default: false. */
  readonly rest?: boolean
}

type ValueOf<A extends CommandArgument> = A extends { choices: readonly (infer C)[] }
  ? C
  : {
      text: string
      number: number
      boolean: boolean
      path: string
      flow: AnyFlow
      flows: AnyFlow[]
      choice: string
    }[A['type']]

type Given<A extends CommandArgument> = A extends { optional: true } ? ValueOf<A> | undefined : ValueOf<A>

/** The values that a command's function gets for its arguments. */
export type ArgumentValues<A extends readonly CommandArgument[]> = A extends readonly [
  infer First extends CommandArgument,
  ...infer Rest extends readonly CommandArgument[],
]
  ? First extends { rest: true }
    ? ValueOf<First>[]
    : [Given<First>, ...ArgumentValues<Rest>]
  : []

/** A command. `command()` makes one whose function has the types of its arguments. */
export interface CommandDefinition {
  /** One line for `midwire --commands`. */
  readonly help: string
  readonly arguments: readonly CommandArgument[]
  /** True: the command shows flows or writes them, and gets them as outputs do: without what option `redact` names. Default: false. */
  readonly shows?: boolean
  /** Performs the command. What it returns, or its promise gives, is the command's result: plain data. What it throws is its error. */
  readonly run: (...values: never[]) => unknown
}

/** Definitions by the names of the commands: `flow.mark`. A name has letters, digits, underscores and dots. */
export type CommandDefinitions = { readonly [name: string]: CommandDefinition }

/**
 * Defines a command:
 * `command({ help: 'mark flows', arguments: [{ name: 'flows', type: 'flows' }], run(flows) { for (const flow of flows) flow.marked = ':star:' } })`.
 */
export function command<const A extends readonly CommandArgument[]>(definition: {
  readonly help: string
  readonly arguments: A
  readonly shows?: boolean
  readonly run: (...values: ArgumentValues<A>) => unknown
}): CommandDefinition {
  return definition
}
