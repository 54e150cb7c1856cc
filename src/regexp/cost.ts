// How many steps JavaScript's search may take at worst, which goes back and tries all ways: a bound from the form of the expression.
import type { Character } from './characters.js'
import type { Node } from './tree.js'

/** `factor` times the length of the text to the power of `degree`. An infinite degree stands for exponential growth. */
export interface Steps {
  readonly degree: number
  readonly factor: number
}

const ONE: Steps = { degree: 0, factor: 1 }
const ENDLESS: Steps = { degree: Number.POSITIVE_INFINITY, factor: 1 }
/** A factor and a degree beyond which the number of ways counts as endless. */
const MAX_FACTOR = 1e9
const MAX_DEGREE = 100
/** Copies of a repeated part, characters in a loop and looks at its parts beyond which it is not looked at whether a loop has one way. */
const MAX_COPIES = 20
const MAX_CHARACTERS = 200
const MAX_VISITS = 5_000

const times = (one: Steps, other: Steps): Steps => bounded(one.degree + other.degree, one.factor * other.factor)
const plus = (one: Steps, other: Steps): Steps => bounded(Math.max(one.degree, other.degree), one.factor + other.factor)
const bounded = (degree: number, factor: number): Steps =>
  factor > MAX_FACTOR || degree > MAX_DEGREE ? ENDLESS : { degree, factor }

/** `ways`: by how many ways it may match from one place; `cost`: the steps for all of them. */
interface Estimate {
  readonly ways: Steps
  readonly cost: Steps
}

type CharacterOf = (source: string) => Character

/** The steps of a search through a text, from every place in it. */
export function stepsOf(root: Node, characterOf: CharacterOf): Steps {
  const { cost } = estimate(root, characterOf)
  // What can match at the beginning alone fails at once everywhere else.
  return beginsAtStart(root) ? plus({ degree: 1, factor: 1 }, cost) : times({ degree: 1, factor: 1 }, cost)
}

function beginsAtStart(node: Node): boolean {
  if (node.type === 'place') return node.place === 'start'
  if (node.type === 'group') return beginsAtStart(node.node)
  if (node.type === 'sequence') return node.parts[0] !== undefined && beginsAtStart(node.parts[0])
  return node.type === 'choice' && node.branches.every(beginsAtStart)
}

function estimate(node: Node, characterOf: CharacterOf): Estimate {
  switch (node.type) {
    case 'character':
    case 'place':
      return { ways: ONE, cost: ONE }
    case 'backreference':
      return { ways: ONE, cost: { degree: 1, factor: 1 } }
    case 'group':
      return estimate(node.node, characterOf)
    case 'look':
      // Once it has matched, its other ways are not tried.
      return { ways: ONE, cost: estimate(node.node, characterOf).cost }
    case 'sequence':
      return inSequence(node.parts.map((part) => estimate(part, characterOf)))
    case 'choice': {
      const all = node.branches.map((branch) => estimate(branch, characterOf))
      return { ways: all.map(({ ways }) => ways).reduce(plus), cost: all.map(({ cost }) => cost).reduce(plus, ONE) }
    }
    case 'repeat':
      return repeated(node, characterOf)
  }
}

function inSequence(parts: readonly Estimate[]): Estimate {
  let [ways, cost] = [ONE, ONE]
  for (const part of parts) {
    cost = plus(cost, times(ways, part.cost))
    ways = times(ways, part.ways)
  }
  return { ways, cost }
}

function repeated({ node, least, most }: Node & { type: 'repeat' }, characterOf: CharacterOf): Estimate {
  const once = estimate(node, characterOf)
  const hasOneWay = once.ways.degree === 0 && once.ways.factor === 1
  if (most === Number.POSITIVE_INFINITY) {
    const isLoop = (hasOneWay && once.cost.degree === 0) || (least <= 1 && isDetermined(node, characterOf))
    return isLoop
      ? { ways: { degree: 1, factor: 1 }, cost: times({ degree: 1, factor: 1 }, lengthOf(node)) }
      : { ways: ENDLESS, cost: ENDLESS }
  }
  const ends = { degree: 0, factor: most - least + 1 }
  if (hasOneWay) return { ways: ends, cost: times({ degree: 0, factor: Math.max(1, most) }, once.cost) }
  let ways = ONE
  for (let copy = 0; copy < most && ways !== ENDLESS; copy++)
    ways = times(ways, plus(once.ways, copy < least ? { degree: 0, factor: 0 } : ONE))
  return { ways, cost: times(ways, times({ degree: 0, factor: most }, once.cost)) }
}

/** The characters that are written in a node, as a factor. */
function lengthOf(node: Node): Steps {
  const parts =
    node.type === 'sequence' ? node.parts : node.type === 'choice' ? node.branches : 'node' in node ? [node.node] : []
  const copies = node.type === 'repeat' && node.most !== Number.POSITIVE_INFINITY ? Math.max(1, node.most) : 1
  return times({ degree: 0, factor: copies }, parts.map(lengthOf).reduce(plus, ONE))
}

/** The beginnings and ends of a part of a loop, as characters' numbers. A number that is there twice can be reached by two ways. */
interface Edges {
  readonly first: readonly number[]
  readonly last: readonly number[]
  readonly isEmpty: boolean
}

/**
 * Whether a loop over this node has one way through every text: the next character always says where it goes on (Brüggemann-Klein and
 * Wood, One-unambiguous regular languages, 1998).
 */
function isDetermined(node: Node, characterOf: CharacterOf): boolean {
  const characters: Character[] = []
  const follow: number[][] = []
  let visits = 0
  const link = (last: readonly number[], first: readonly number[]) => {
    for (const one of last) follow[one]?.push(...first)
  }
  /** Undefined where it is too much to look at. */
  const edges = (part: Node): Edges | undefined => {
    if (++visits > MAX_VISITS) return undefined
    switch (part.type) {
      case 'character': {
        if (characters.length >= MAX_CHARACTERS) return undefined
        characters.push(characterOf(part.source))
        follow.push([])
        const at = [characters.length - 1]
        return { first: at, last: at, isEmpty: false }
      }
      case 'place':
        return { first: [], last: [], isEmpty: true }
      case 'group':
        return edges(part.node)
      case 'sequence':
        return joined(part.parts.map((one) => () => edges(one)))
      case 'choice': {
        const all: Edges[] = []
        for (const branch of part.branches) {
          const found = edges(branch)
          if (!found) return undefined
          all.push(found)
        }
        // Two ways to nothing would be two ways to what follows.
        if (all.filter(({ isEmpty }) => isEmpty).length > 1) return undefined
        return {
          first: all.flatMap(({ first }) => first),
          last: all.flatMap(({ last }) => last),
          isEmpty: all.some(({ isEmpty }) => isEmpty),
        }
      }
      case 'repeat': {
        if (part.most === Number.POSITIVE_INFINITY)
          return part.least > 1 ? undefined : loop(part.node, part.least === 0)
        if (part.most > MAX_COPIES) return undefined
        return joined(
          Array.from({ length: part.most }, (_, copy) => () => {
            const found = edges(part.node)
            return found && { ...found, isEmpty: found.isEmpty || copy >= part.least }
          }),
        )
      }
      default:
        return undefined
    }
  }
  const loop = (part: Node, isEmpty: boolean): Edges | undefined => {
    const found = edges(part)
    if (!found) return undefined
    link(found.last, found.first)
    return { ...found, isEmpty: isEmpty || found.isEmpty }
  }
  const joined = (parts: readonly (() => Edges | undefined)[]): Edges | undefined => {
    let whole: Edges = { first: [], last: [], isEmpty: true }
    for (const part of parts) {
      const next = part()
      if (!next) return undefined
      link(whole.last, next.first)
      whole = {
        first: whole.isEmpty ? [...whole.first, ...next.first] : whole.first,
        last: next.isEmpty ? [...whole.last, ...next.last] : next.last,
        isEmpty: whole.isEmpty && next.isEmpty,
      }
    }
    return whole
  }
  const whole = loop(node, true)
  return whole !== undefined && [whole.first, ...follow].every((set) => areApart(set, characters))
}

function areApart(set: readonly number[], characters: readonly Character[]): boolean {
  if (set.length > MAX_CHARACTERS) return false
  return set.every((one, index) =>
    set.slice(index + 1).every((other) => {
      const [a, b] = [characters[one], characters[other]]
      return a !== undefined && b !== undefined && !a.overlaps(b)
    }),
  )
}
