// Finds the first match with its groups, as JavaScript would choose it, in a time that grows with the text and not faster (Pike's machine).
import { EDGE, isThere, kindAt, kindOf } from './places.js'
import type { Program } from './program.js'

/** A way through the program: where it is, and the places that its groups have captured; -1 for none. */
interface Thread {
  readonly at: number
  readonly slots: readonly number[]
}

/** Steps that may still be done. A caller with several matches to find gives one budget for all. */
export interface Budget {
  left: number
}

export class Matcher {
  readonly #program: Program
  readonly #nothing: readonly number[]
  readonly #visited: Int32Array
  #round = 0

  constructor(program: Program, groups: number) {
    this.#program = program
    this.#nothing = new Array((groups + 1) * 2).fill(-1)
    this.#visited = new Int32Array(program.length)
  }

  /**
   * The places of the match and its groups, beginning and end of each, from the first place at or after `from` that has one; `isSticky`: from
   * there alone. Undefined where there is none, and where the budget is used up.
   */
  find(text: string, from: number, isSticky: boolean, budget: Budget): readonly number[] | undefined {
    let threads: Thread[] = []
    let found: readonly number[] | undefined
    let before = from === 0 ? EDGE : kindOf(text.charCodeAt(from - 1))
    for (let index = from; index <= text.length; index++) {
      const after = kindAt(text, index)
      this.#round += 1
      const reached: Thread[] = []
      for (const thread of threads) {
        const slots = this.#follow(thread, index, before, after, reached, budget)
        if (!slots) continue
        // The ways behind this one are worse.
        found = slots
        break
      }
      if (!found && (index === from || !isSticky)) {
        found = this.#follow({ at: 0, slots: this.#nothing }, index, before, after, reached, budget)
      }
      if (reached.length === 0 && (found || isSticky)) return found
      if (budget.left < 0 || index === text.length) return budget.left < 0 ? undefined : found
      const code = text.charCodeAt(index)
      threads = []
      for (const { at, slots } of reached) {
        const instruction = this.#program[at]
        if (instruction?.op === 'character' && instruction.character.is(code)) threads.push({ at: at + 1, slots })
      }
      before = kindOf(code)
    }
    return found
  }

  /** Adds what a thread leads to, up to the next character, the best first. Returns the slots of a match, before which all is better. */
  #follow(
    thread: Thread,
    index: number,
    before: number,
    after: number,
    reached: Thread[],
    budget: Budget,
  ): readonly number[] | undefined {
    const stack: Thread[] = [thread]
    for (let next = stack.pop(); next; next = stack.pop()) {
      const { at, slots } = next
      if (this.#visited[at] === this.#round) continue
      this.#visited[at] = this.#round
      budget.left -= 1
      const instruction = this.#program[at]
      switch (instruction?.op) {
        case 'match':
          return slots
        case 'character':
          reached.push(next)
          break
        case 'split':
          stack.push({ at: instruction.or, slots }, { at: instruction.to, slots })
          break
        case 'jump':
          stack.push({ at: instruction.to, slots })
          break
        case 'save':
          budget.left -= slots.length >> 3
          stack.push({ at: at + 1, slots: slots.with(instruction.slot, index) })
          break
        case 'forget':
          stack.push({
            at: at + 1,
            slots: slots.map((one, slot) =>
              slot >= instruction.from * 2 && slot <= instruction.to * 2 + 1 ? -1 : one,
            ),
          })
          break
        case 'place':
          if (isThere(instruction.place, before, after)) stack.push({ at: at + 1, slots })
          break
      }
    }
    return undefined
  }
}
