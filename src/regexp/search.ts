// Whether a text has a match, in a time that grows with the text and not faster: an automaton whose states are made when they are met.
import { EDGE, isThere, kindAt, kindOf } from './places.js'
import type { Program } from './program.js'

/** States that are kept. When there are more, they are made anew. */
const MAX_STATES = 500
/** Steps of the program in one search beyond what states remember. Where they are used up, the search is cut off, and finds nothing. */
const MAX_STEPS = 1 << 26

/** The instructions that are reached before a character, and the kind of the character before it. */
interface State {
  readonly at: readonly number[]
  readonly before: number
  /** The next states by narrow characters; `true` for a match. */
  readonly next: (State | true | undefined)[]
}

export class Searcher {
  readonly #program: Program
  #states = new Map<string, State>()
  /** Marks of instructions that were visited in a round. */
  readonly #visited: Int32Array
  #round = 0
  #left = 0

  constructor(program: Program) {
    this.#program = program
    this.#visited = new Int32Array(program.length)
  }

  find(text: string): boolean {
    this.#left = MAX_STEPS
    let state = this.#state([], EDGE)
    const last = text.length - 1
    for (let index = 0; index < last; index++) {
      const code = text.charCodeAt(index)
      const next: State | true = state.next[code] ?? this.#step(state, code, kindOf(code))
      if (next === true) return true
      if (this.#left < 0) return false
      state = next
    }
    if (last >= 0) {
      // A newline at the end is a kind of its own, so nothing that is known counts.
      const next = this.#step(state, text.charCodeAt(last), kindAt(text, last), false)
      if (next === true) return true
      state = next
    }
    return this.#closure(state, EDGE) === true
  }

  #step(state: State, code: number, kind: number, isKept = true): State | true {
    const reached = this.#closure(state, kind)
    let next: State | true = true
    if (reached !== true) {
      const at: number[] = []
      for (const one of reached) {
        const instruction = this.#program[one]
        if (instruction?.op === 'character' && instruction.character.is(code)) at.push(one + 1)
      }
      next = this.#state(at, kindOf(code))
    }
    if (isKept && code < 256) state.next[code] = next
    return next
  }

  #state(at: readonly number[], before: number): State {
    const key = `${before}:${at.join()}`
    const known = this.#states.get(key)
    if (known) return known
    if (this.#states.size >= MAX_STATES) this.#states = new Map()
    const made: State = { at, before, next: new Array(256) }
    this.#states.set(key, made)
    return made
  }

  /** The characters that may come next, from a state and from the beginning of the program; `true` where it matches already. */
  #closure({ at, before }: State, after: number): readonly number[] | true {
    const program = this.#program
    const visited = this.#visited
    this.#round += 1
    const reached: number[] = []
    const stack = [0]
    for (let index = at.length - 1; index >= 0; index--) stack.push(at[index] as number)
    for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
      if (visited[one] === this.#round) continue
      visited[one] = this.#round
      this.#left -= 1
      const instruction = program[one]
      switch (instruction?.op) {
        case 'match':
          return true
        case 'character':
          reached.push(one)
          break
        case 'split':
          stack.push(instruction.or, instruction.to)
          break
        case 'jump':
          stack.push(instruction.to)
          break
        case 'place':
          if (isThere(instruction.place, before, after)) stack.push(one + 1)
          break
        default:
          stack.push(one + 1)
      }
    }
    return reached
  }
}
