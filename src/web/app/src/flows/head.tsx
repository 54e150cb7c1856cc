// The head of the table: a click sorts, a drag moves a column, its edge resizes it; the menu shows and hides columns, by keys too.
import { useSignal } from '@preact/signals'
import type { Sort } from '../../../api/schemas/row.js'
import { columnOf, move, resize } from './columns.js'

interface Props {
  readonly columns: readonly { readonly name: string; readonly width: number }[]
  readonly sort: Sort
  readonly reverse: boolean
  readonly onSort: (sort: Sort) => void
}

export function Head({ columns, sort, reverse, onSort }: Props) {
  const over = useSignal('')
  return (
    <div class="head" role="rowgroup">
      <div class="row" role="row" aria-rowindex={1}>
        {columns.map(({ name, width }) => {
          const column = columnOf(name)
          const sorted = column.sort === sort
          return (
            <div
              key={name}
              role="columnheader"
              class={column.number ? 'number' : ''}
              aria-sort={sorted ? (reverse ? 'descending' : 'ascending') : column.sort ? 'none' : undefined}
              data-over={over.value === name}
              draggable
              onDragStart={(event) => event.dataTransfer?.setData('text/x-column', name)}
              onDragOver={(event) => {
                if (!event.dataTransfer?.types.includes('text/x-column')) return
                event.preventDefault()
                over.value = name
              }}
              onDragLeave={() => {
                over.value = ''
              }}
              onDrop={(event) => {
                event.preventDefault()
                over.value = ''
                move(event.dataTransfer?.getData('text/x-column') ?? '', name)
              }}
            >
              <button
                type="button"
                tabIndex={-1}
                disabled={!column.sort}
                onClick={() => column.sort && onSort(column.sort)}
              >
                {column.title}
                {sorted && <i aria-hidden="true">{reverse ? ' ▼' : ' ▲'}</i>}
              </button>
              <Edge name={name} width={width} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** The right edge of a column, by which it is made wider. */
function Edge({ name, width }: { name: string; width: number }) {
  return (
    <i
      class="edge"
      aria-hidden="true"
      // The column is not dragged by its edge.
      onMouseDown={(event) => event.preventDefault()}
      onPointerDown={(event) => {
        const from = event.clientX
        const target = event.currentTarget
        target.setPointerCapture(event.pointerId)
        target.onpointermove = (moved) => resize(name, width + moved.clientX - from)
        target.onpointerup = () => {
          target.onpointermove = null
        }
      }}
      onDblClick={() => resize(name, columnOf(name).width)}
    />
  )
}
