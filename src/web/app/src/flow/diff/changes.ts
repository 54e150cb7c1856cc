// Which lines of two texts are the same: Myers' greedy algorithm, bounded in its steps.
export interface Change {
  readonly kind: 'same' | 'gone' | 'new'
  readonly text: string
}

/** Edits beyond which two texts are taken for wholly different between their common ends. */
const MOST_EDITS = 1_500

/** From `before` to `after`, line by line: what is gone comes before what is new. */
export function changesOf(before: readonly string[], after: readonly string[]): Change[] {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1
  let tail = 0
  const least = Math.min(before.length, after.length) - head
  while (tail < least && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  const all = (kind: Change['kind'], lines: readonly string[]) => lines.map((text): Change => ({ kind, text }))
  return [
    ...all('same', before.slice(0, head)),
    ...between(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...all('same', before.slice(before.length - tail)),
  ]
}

function between(a: readonly string[], b: readonly string[]): Change[] {
  const whole = () => [
    ...a.map((text): Change => ({ kind: 'gone', text })),
    ...b.map((text): Change => ({ kind: 'new', text })),
  ]
  if (a.length === 0 || b.length === 0) return whole()
  /** The furthest place in `a` on each diagonal, after each number of edits. */
  const steps: Map<number, number>[] = []
  let furthest = new Map([[1, 0]])
  for (let edits = 0; edits <= Math.min(MOST_EDITS, a.length + b.length); edits += 1) {
    steps.push(new Map(furthest))
    const next = new Map(furthest)
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isDown(next, diagonal, edits) ? (next.get(diagonal + 1) ?? 0) : (next.get(diagonal - 1) ?? 0) + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1
      next.set(diagonal, x)
      if (x >= a.length && x - diagonal >= b.length) return walkBack(a, b, steps)
    }
    furthest = next
  }
  return whole()
}

const isDown = (furthest: Map<number, number>, diagonal: number, edits: number) =>
  diagonal === -edits || (diagonal !== edits && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1))

function walkBack(a: readonly string[], b: readonly string[], steps: readonly Map<number, number>[]): Change[] {
  const found: Change[] = []
  let [x, y] = [a.length, b.length]
  for (let edits = steps.length - 1; edits >= 0; edits -= 1) {
    const furthest = steps[edits] as Map<number, number>
    const diagonal = x - y
    const before = isDown(furthest, diagonal, edits) ? diagonal + 1 : diagonal - 1
    const fromX = furthest.get(before) ?? 0
    const fromY = fromX - before
    while (x > fromX && y > fromY) {
      found.push({ kind: 'same', text: a[x - 1] ?? '' })
      x -= 1
      y -= 1
    }
    if (edits === 0) break
    if (x === fromX) found.push({ kind: 'new', text: b[y - 1] ?? '' })
    else found.push({ kind: 'gone', text: a[x - 1] ?? '' })
    x = fromX
    y = fromY
  }
  return found.reverse()
}
