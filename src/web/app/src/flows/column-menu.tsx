// Which columns are shown in which order: all of it by keys and without a drag.
import { COLUMNS, shift, shown, toggle, USUAL } from './columns.js'

export function ColumnMenu() {
  const places = new Map(shown.value.map(({ name }, at) => [name, at]))
  const sorted = COLUMNS.toSorted((a, b) => (places.get(a.name) ?? 99) - (places.get(b.name) ?? 99))
  return (
    <details class="menu">
      <summary>Columns</summary>
      <div>
        {sorted.map(({ name, title }) => (
          <p key={name}>
            <label>
              <input type="checkbox" checked={places.has(name)} onChange={() => toggle(name)} /> {title}
            </label>
            {places.has(name) && (
              <span>
                <button type="button" class="icon" aria-label={`${title} to the left`} onClick={() => shift(name, -1)}>
                  ↑
                </button>
                <button type="button" class="icon" aria-label={`${title} to the right`} onClick={() => shift(name, 1)}>
                  ↓
                </button>
              </span>
            )}
          </p>
        ))}
        <button
          type="button"
          onClick={() => {
            shown.value = USUAL
          }}
        >
          As at first
        </button>
      </div>
    </details>
  )
}
