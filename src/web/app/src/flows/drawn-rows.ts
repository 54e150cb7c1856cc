// The elements of the rows that are seen: a flow keeps its element wherever it stands, and an element whose row is gone shows another one.
import { RowElement, type RowProps } from './row.js'

/** A row that has not come yet is known by its place. */
const keyOf = ({ row, index }: RowProps): number => row?.number ?? -1 - index

export class DrawnRows {
  #drawn = new Map<number, RowElement>()

  /** Shows these rows within an element that has no other children. */
  draw(parent: HTMLElement, rows: readonly RowProps[]): void {
    const before = this.#drawn
    const now = new Map<number, RowElement>()
    for (const props of rows) {
      const kept = before.get(keyOf(props))
      if (kept) now.set(keyOf(props), kept)
    }
    // An element that moves in the document costs more than one that shows another row: where few stay, all keep their places there.
    if (now.size * 2 < rows.length) now.clear()
    for (const key of now.keys()) before.delete(key)
    const free = [...before.values()]
    if (now.size > 0) for (const { element } of free) element.remove()
    let next = parent.firstChild
    this.#drawn = new Map()
    for (const props of rows) {
      const one = now.get(keyOf(props)) ?? free.shift() ?? new RowElement()
      one.show(props)
      this.#drawn.set(keyOf(props), one)
      if (one.element === next) next = next.nextSibling
      else parent.insertBefore(one.element, next)
    }
    for (const { element } of free) element.remove()
  }
}
