// The fields of a mock: which requests it is for, and what it answers.
import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import type { Mock, NewMock } from './mocks.js'

interface Props {
  /** The one that is edited; undefined for a new one. */
  readonly mock?: Mock
  /** Whether it was taken. */
  readonly onDone: (given: NewMock) => Promise<boolean>
  readonly onCancel?: () => void
}

const TYPES = ['application/json', 'text/plain; charset=utf-8', 'text/html; charset=utf-8'] as const

const bodyOf = ({ respond: { content, json } }: Mock): string => {
  if (json !== undefined) return JSON.stringify(json, null, 2)
  return content && 'text' in content ? content.text : ''
}

const typeOf = ({ respond: { headers = {}, json } }: Mock): string => {
  const [, type] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return type ?? (json === undefined ? '' : TYPES[0])
}

export function MockForm({ mock, onDone, onCancel }: Props) {
  const id = useId()
  const first = {
    filter: mock?.filter ?? '',
    status: String(mock?.respond.status ?? 200),
    type: mock ? typeOf(mock) : TYPES[0],
    body: mock ? bodyOf(mock) : '',
    times: String(mock?.times ?? ''),
  }
  const fields = useSignal(first)
  const { filter, status, type, body, times } = fields.value
  const isBinary = mock?.respond.content && !('text' in mock.respond.content)
  const set = (name: keyof typeof first) => (event: { currentTarget: { value: string } }) => {
    fields.value = { ...fields.value, [name]: event.currentTarget.value }
  }
  const given = (): NewMock => {
    const others = Object.entries(mock?.respond.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'content-type')
    const headers = Object.fromEntries([...others, ...(type ? [['content-type', type] as const] : [])])
    const content = isBinary ? mock?.respond.content : body === '' ? undefined : { text: body }
    return {
      filter: filter.trim(),
      respond: { status: Number(status), headers, ...(content && { content }) },
      ...(times !== '' && { times: Number(times) }),
    }
  }
  return (
    <form
      class="mock-form"
      aria-label={mock ? `Mock ${mock.filter}` : 'Mocks: one more'}
      onSubmit={(event) => {
        event.preventDefault()
        void onDone(given()).then((taken) => {
          if (taken && !mock) fields.value = first
        })
      }}
    >
      <label class="wide">
        <span>Filter</span>
        <input
          type="text"
          spellcheck={false}
          required
          placeholder="~d example.com & ~u /api/"
          value={filter}
          onInput={set('filter')}
        />
      </label>
      <label>
        <span>Status</span>
        <input type="number" min={100} max={999} required value={status} onInput={set('status')} />
      </label>
      <label>
        <span>Content-Type</span>
        <input type="text" spellcheck={false} list={`${id}-types`} value={type} onInput={set('type')} />
        <datalist id={`${id}-types`}>
          {TYPES.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      <label>
        <span>Times</span>
        <input type="number" min={1} placeholder="without end" value={times} onInput={set('times')} />
      </label>
      <label class="whole">
        <span>Body</span>
        <textarea
          rows={mock ? 6 : 2}
          spellcheck={false}
          disabled={isBinary ?? false}
          placeholder={isBinary ? 'bytes that are no text' : '{ "name": "Ada" }'}
          value={body}
          onInput={set('body')}
        />
      </label>
      <span class="bar whole">
        <button type="submit" disabled={filter.trim() === ''}>
          {mock ? 'Change' : 'Add'}
        </button>
        {onCancel && (
          <button type="button" class="quiet" onClick={onCancel}>
            Cancel
          </button>
        )}
      </span>
    </form>
  )
}
