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

export class RowElement {
  readonly element = document.createElement('div')
  #props: RowProps | undefined
  #texts: Text[] = []
  #sign: HTMLElement | undefined

  constructor() {
    this.element.className = 'row'
    this.element.setAttribute('role', 'row')
  }

  /** The text nodes of the cells change, and not the cells. */
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
    if (before?.top !== top) element.style.top = `${top}px`
    if (before?.isSelected !== isSelected) element.setAttribute('aria-selected', `${isSelected}`)
    if (before?.isCursor !== isCursor) dataset.cursor = `${isCursor}`
    if (before?.isLit !== isLit) dataset.lit = `${isLit}`
    if (before?.columns !== columns) this.#makeCells(columns)
    else if (before.row === row) return
    this.#set('data-kind', row && kindOf(row))
    this.#set('data-mark', row && colourOf(row.marked))
    for (const [place, { name }] of columns.entries()) {
      const text = this.#texts[place]
      const next = row ? columnOf(name).text(row) : ''
      if (text && text.data !== next) text.data = next
      if (text && name === 'method') this.#showSign(text, row ? signOf(row) : '')
    }
  }

  #set(name: string, value: string | undefined): void {
    if (value === undefined) this.element.removeAttribute(name)
    else if (this.element.getAttribute(name) !== value) this.element.setAttribute(name, value)
  }

  #makeCells(columns: Columns): void {
    if (copied?.columns !== columns) copied = { columns, cells: emptyCells(columns) }
    this.element.replaceChildren(copied.cells.cloneNode(true))
    this.#texts = [...this.element.children].map(({ firstChild }) => firstChild as Text)
    this.#sign = undefined
  }

  #showSign(before: Text, sign: string): void {
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
    if (this.#sign.textContent !== sign) this.#sign.textContent = sign
  }
}

/** Text that a narrow cell may cut is told by its title, which is there when a pointer comes. */
export function tellWhole({ target }: Event): void {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[role=gridcell]') : null
  if (cell) cell.title = cell.scrollWidth > cell.clientWidth ? (cell.textContent ?? '') : ''
}
