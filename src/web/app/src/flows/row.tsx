// One row of the table of flows. A row that has not come yet has its place already.
import type { Row } from '../shell/api.js'
import { colourOf } from './actions.js'
import { columnOf } from './columns.js'

export interface RowProps {
  readonly index: number
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

export function RowView({ index, row, columns, top, isCursor, isSelected, isLit }: RowProps) {
  return (
    <div
      id={`row-${index}`}
      class="row"
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      data-index={index}
      data-cursor={isCursor}
      data-kind={row && kindOf(row)}
      data-mark={row && colourOf(row.marked)}
      data-lit={isLit}
      data-odd={index % 2 === 1}
      style={{ top: `${top}px` }}
    >
      {columns.map(({ name }) => {
        const column = columnOf(name)
        const text = row ? column.text(row) : ''
        return (
          <div
            key={name}
            role="gridcell"
            class={column.number ? 'number' : ''}
            data-column={name}
            title={text.length > 12 ? text : undefined}
          >
            {name === 'method' && row && signOf(row) && (
              <i aria-hidden="true" class="sign">
                {signOf(row)}
              </i>
            )}
            {text}
          </div>
        )
      })}
    </div>
  )
}
