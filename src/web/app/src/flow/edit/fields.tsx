// Header fields in a form: a row each, one more, one less.
import type { Pair } from '../pairs.js'

interface Props {
  readonly fields: readonly Pair[]
  readonly onChange: (fields: readonly Pair[]) => void
}

export function Fields({ fields, onChange }: Props) {
  const put = (at: number, pair: Pair) => onChange(fields.with(at, pair))
  return (
    <fieldset class="fields">
      <legend>Header fields</legend>
      {fields.map(([name, value], at) => (
        <div key={at}>
          <input
            aria-label={`Name of field ${at + 1}`}
            value={name}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => put(at, [event.currentTarget.value, value])}
          />
          <input
            aria-label={`Value of ${name || `field ${at + 1}`}`}
            value={value}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => put(at, [name, event.currentTarget.value])}
          />
          <button
            type="button"
            class="icon"
            aria-label={`Remove ${name || `field ${at + 1}`}`}
            onClick={() => onChange(fields.toSpliced(at, 1))}
          >
            ×
          </button>
        </div>
      ))}
      <button type="button" class="quiet" onClick={() => onChange([...fields, ['', '']])}>
        Add a field
      </button>
    </fieldset>
  )
}
