// One row of the table of flows, as an element that shows one row after the other. It is written without Preact: only what differs is touched, and
// a table that is scrolled by a page writes some hundreds of cells in each frame.
import type { Row } from '../shell/api.js'
import { colourOf } from './actions.js'
import { columnOf } from './columns.js'

export interface RowProps {
  readonly index: number
  /** Undefined for a row that has not come yet, which has its place already. */
  readonly row: Row | undefined
  readonly columns: readonly { readonly name: string }[]
  /** Pixels from the top of the rows. */
  readonly top: number
  readonly isCursor: boolean
  readonly isSelected: boolean
  readonly isLit: boolean
}

/** What the colour of a status says. */
function kindOf({ status, error, live, intercepted }: Row): string {
  if (intercepted) return 'waits'
  if (error) return 'failed'
  if (live) return 'live'
  return status ? `s${Math.floor(status / 100)}` : ''
}

const signOf = ({ intercepted, replayed, websocket, live, error }: Row) =>
  intercepted ? '‖' : replayed ? '↻' : error ? '!' : websocket ? '⇅' : live ? '●' : ''

type Columns = RowProps['columns']

/** The cells of a row with these columns, without their texts, to be copied. */
function emptyCells(columns: Columns): DocumentFragment {
  const cells = document.createDocumentFragment()
  for (const { name } of columns) {
    const cell = document.createElement('div')
    cell.setAttribute('role', 'gridcell')
    cell.dataset.column = name
    if (columnOf(name).number) cell.className = 'number'
    cell.append('')
    cells.append(cell)
  }
  return cells
}

let copied: { columns: Columns; cells: DocumentFragment } | undefined

const put = (element: Element, name: string, value: string): void => {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

export class RowElement {
  readonly element = document.createElement('div')
  #props: RowProps | undefined
  /** The row and the columns that the cells are of, also while they are hidden. */
  #row: Row | undefined
  #columns: Columns | undefined
  #texts: Text[] = []
  #sign: HTMLElement | undefined

  constructor() {
    this.element.className = 'row'
    this.element.setAttribute('role', 'row')
  }

  /**
   * The text nodes of the cells change, and not the cells. Where no row has come yet, the cells keep what they have and are hidden: a list that is scrolled
   * faster than its rows come would be laid out twice otherwise.
   */
  show(props: RowProps): void {
    const { index, row, columns, top, isCursor, isSelected, isLit } = props
    const before = this.#props
    const { element } = this
    const { dataset } = element
    this.#props = props
    if (before?.index !== index) {
      element.id = `row-${index}`
      element.setAttribute('aria-rowindex', `${index + 2}`)
      dataset.index = `${index}`
      dataset.odd = `${index % 2 === 1}`
    }
    if (before?.top !== top) element.style.transform = `translateY(${top}px)`
    if (before?.isSelected !== isSelected) element.setAttribute('aria-selected', `${isSelected}`)
    if (before?.isCursor !== isCursor) dataset.cursor = `${isCursor}`
    if (before?.isLit !== isLit) dataset.lit = `${isLit}`
    if (!before || (before.row === undefined) !== (row === undefined)) {
      element.style.visibility = row ? 'visible' : 'hidden'
    }
    if (this.#columns !== columns) this.#makeCells(columns)
    else if (!row || this.#row === row) return
    if (row) this.#fill(row, columns)
  }

  #fill(row: Row, columns: Columns): void {
    const kind = kindOf(row)
    this.#row = row
    put(this.element, 'class', row.intercepted ? 'row waits' : 'row')
    put(this.element, 'data-mark', colourOf(row.marked) ?? '')
    for (const [place, { name }] of columns.entries()) {
      const text = this.#texts[place]
      const next = columnOf(name).text(row)
      if (text && text.data !== next) text.data = next
      if (text && name === 'method') this.#showSign(text, signOf(row), kind)
      // Where the row had it, all its cells would be styled anew for the colour of one.
      if (text?.parentElement && name === 'status') put(text.parentElement, 'data-kind', kind)
    }
  }

  #makeCells(columns: Columns): void {
    if (copied?.columns !== columns) copied = { columns, cells: emptyCells(columns) }
    this.element.replaceChildren(copied.cells.cloneNode(true))
    this.#texts = [...this.element.children].map(({ firstChild }) => firstChild as Text)
    this.#sign = undefined
    this.#row = undefined
    this.#columns = columns
  }

  #showSign(before: Text, sign: string, kind: string): void {
    if (sign === '') {
      this.#sign?.remove()
      this.#sign = undefined
      return
    }
    if (!this.#sign) {
      this.#sign = document.createElement('i')
      this.#sign.ariaHidden = 'true'
      this.#sign.className = 'sign'
      before.before(this.#sign)
    }
    put(this.#sign, 'data-kind', kind)
    if (this.#sign.textContent !== sign) this.#sign.textContent = sign
  }
}

/** Text that a narrow cell may cut is told by its title, which is there when a pointer comes. */
export function tellWhole({ target }: Event): void {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[role=gridcell]') : null
  if (cell) cell.title = cell.scrollWidth > cell.clientWidth ? (cell.textContent ?? '') : ''
}
