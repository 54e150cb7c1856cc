// Compiles the tree of an expression into the program of a machine that follows all ways at once (Thompson 1968; Pike).
import { Character } from './characters.js'
import type { Node, Place } from './tree.js'

export type Instruction =
  | { readonly op: 'character'; readonly character: Character }
  /** Goes on at both, at `to` first. */
  | { readonly op: 'split'; to: number; or: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  /** Groups of a repeated part have captured nothing when the part begins anew. */
  | { readonly op: 'forget'; readonly from: number; readonly to: number }
  | { readonly op: 'place'; readonly place: Place }
  | { readonly op: 'match' }

export type Program = readonly Instruction[]

/** Instructions of a program. Each character of a text costs at most so many steps. */
const MAX_INSTRUCTIONS = 2_000

/** Compiles a tree; undefined where the program would be too long. */
export function compile(root: Node, flags: string): Program | undefined {
  const compiler = new Compiler(flags)
  try {
    compiler.add({ type: 'group', node: root, index: 0 })
    return compiler.end()
  } catch (error) {
    if (error === TOO_LONG) return undefined
    throw error
  }
}

const TOO_LONG = new Error('the program is too long')

class Compiler {
  readonly #program: Instruction[] = []
  readonly #flags: string
  #visits = 0
  readonly #characters = new Map<string, Character>()

  constructor(flags: string) {
    this.#flags = flags
  }

  end(): Program {
    this.#push({ op: 'match' })
    return this.#program
  }

  add(node: Node): void {
    // Parts that are repeated and empty make no instructions.
    if (++this.#visits > 10 * MAX_INSTRUCTIONS) throw TOO_LONG
    switch (node.type) {
      case 'character':
        this.#push({ op: 'character', character: this.#characterOf(node.source) })
        return
      case 'place':
        this.#push({ op: 'place', place: node.place })
        return
      case 'sequence':
        for (const part of node.parts) this.add(part)
        return
      case 'group':
        if (node.index !== undefined) this.#push({ op: 'save', slot: node.index * 2 })
        this.add(node.node)
        if (node.index !== undefined) this.#push({ op: 'save', slot: node.index * 2 + 1 })
        return
      case 'choice':
        this.#choice(node.branches)
        return
      case 'repeat':
        this.#repeat(node)
        return
      default:
        throw TOO_LONG
    }
  }

  #characterOf(source: string): Character {
    const known = this.#characters.get(source)
    if (known) return known
    const made = new Character(source, this.#flags)
    this.#characters.set(source, made)
    return made
  }

  #push<I extends Instruction>(instruction: I): I {
    if (this.#program.length >= MAX_INSTRUCTIONS) throw TOO_LONG
    this.#program.push(instruction)
    return instruction
  }

  get #next(): number {
    return this.#program.length
  }

  #choice(branches: readonly Node[]): void {
    const jumps: { to: number }[] = []
    branches.forEach((branch, index) => {
      const isLast = index === branches.length - 1
      const split = isLast ? undefined : this.#push({ op: 'split', to: this.#next + 1, or: 0 })
      this.add(branch)
      if (!split) return
      jumps.push(this.#push({ op: 'jump', to: 0 }))
      split.or = this.#next
    })
    for (const jump of jumps) jump.to = this.#next
  }

  #repeat({ node, least, most, lazy }: Node & { type: 'repeat' }): void {
    for (let copy = 0; copy < least; copy++) this.#iteration(node)
    if (most === Number.POSITIVE_INFINITY) {
      const start = this.#next
      const split = this.#push({ op: 'split', to: 0, or: 0 })
      this.#iteration(node)
      this.#push({ op: 'jump', to: start })
      this.#aim(split, start + 1, this.#next, lazy)
      return
    }
    const splits: { split: { to: number; or: number }; into: number }[] = []
    for (let copy = least; copy < most; copy++) {
      splits.push({ split: this.#push({ op: 'split', to: 0, or: 0 }), into: this.#next })
      this.#iteration(node)
    }
    for (const { split, into } of splits) this.#aim(split, into, this.#next, lazy)
  }

  #iteration(node: Node): void {
    const groups = groupsOf(node)
    if (groups.length > 0) this.#push({ op: 'forget', from: Math.min(...groups), to: Math.max(...groups) })
    this.add(node)
  }

  #aim(split: { to: number; or: number }, into: number, past: number, lazy: boolean): void {
    split.to = lazy ? past : into
    split.or = lazy ? into : past
  }
}

function groupsOf(node: Node): number[] {
  if (node.type === 'sequence') return node.parts.flatMap(groupsOf)
  if (node.type === 'choice') return node.branches.flatMap(groupsOf)
  if (node.type === 'group') return [...(node.index === undefined ? [] : [node.index]), ...groupsOf(node.node)]
  return node.type === 'repeat' ? groupsOf(node.node) : []
}
