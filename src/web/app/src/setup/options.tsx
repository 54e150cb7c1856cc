// All options with a search: what each does, its value, and a field to change it.
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { attempt } from '../flows/actions.js'
import type { Option } from '../shell/api.js'
import { commandLine, isChanged } from '../shell/command-line.js'
import { CommandView } from '../shell/command-view.js'
import { useKeys } from '../shell/keys.js'
import { options, setOption } from '../shell/options.js'
import { query, setQuery } from '../shell/router.js'

export function OptionsPage() {
  const searchInput = useRef<HTMLInputElement>(null)
  useKeys('Options', [{ key: '/', does: 'Go to the search', run: () => searchInput.current?.select() }])
  const search = query.value.get('search') ?? ''
  const onlyChanged = query.value.has('changed')
  const words = search.toLowerCase().split(/\s+/)
  const all = [...options.value.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const found = all.filter(
    (option) =>
      (!onlyChanged || isChanged(option)) &&
      words.every((word) => `${option.name} ${option.help}`.toLowerCase().includes(word)),
  )
  return (
    <>
      <h1>Options</h1>
      <div class="bar">
        <input
          ref={searchInput}
          type="search"
          aria-label="Search the options"
          placeholder="Search"
          value={search}
          onInput={(event) => setQuery({ search: event.currentTarget.value })}
        />
        <label>
          <input
            type="checkbox"
            checked={onlyChanged}
            onChange={(event) => setQuery({ changed: event.currentTarget.checked ? 'yes' : '' })}
          />{' '}
          only those that were changed
        </label>
        <span class="faint" role="status">
          {found.length} of {all.length}
        </span>
      </div>
      {found.length === 0 && all.length > 0 && (
        <div class="empty">
          <h2>{onlyChanged && search === '' ? 'All options are as they come' : 'No option has these words'}</h2>
          <p>
            <button type="button" onClick={() => setQuery({ search: '', changed: '' })}>
              Show all options
            </button>
          </p>
        </div>
      )}
      <ul class="options">
        {found.map((option) => (
          <OptionView key={option.name} option={option} />
        ))}
      </ul>
      <CommandView line={commandLine.value} />
    </>
  )
}

function OptionView({ option }: { option: Option }) {
  const { name, help, fixed, secret } = option
  const failure = useSignal('')
  const set = async (value: Option['value'] | null) => {
    failure.value = ''
    try {
      await setOption(name, value)
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error)
    }
  }
  return (
    <li data-changed={isChanged(option)}>
      <label for={`option-${name}`}>
        <code>{name}</code>
      </label>
      <p id={`help-${name}`} class="faint">
        {help.split('`').map((text, at) => (at % 2 === 1 ? <code key={text}>{text}</code> : text))}
        {fixed && ' (read when midwire starts)'}
      </p>
      <div class="bar">
        <Field option={option} set={set} />
        {isChanged(option) && !fixed && (
          <button type="button" class="quiet" onClick={() => void attempt(() => set(null))}>
            Default
          </button>
        )}
        {secret && <span class="faint">a secret, which is not shown</span>}
      </div>
      {failure.value && (
        <p class="bad" role="alert">
          {failure.value}
        </p>
      )}
    </li>
  )
}

function Field({ option, set }: { option: Option; set: (value: Option['value'] | null) => Promise<void> }) {
  const { name, type, value, choices, fixed, range } = option
  const common = { id: `option-${name}`, disabled: fixed, 'aria-describedby': `help-${name}` }
  if (type === 'boolean')
    return (
      <input
        {...common}
        type="checkbox"
        checked={value === true}
        onChange={(event) => void set(event.currentTarget.checked)}
      />
    )
  if (choices)
    return (
      <select {...common} value={String(value ?? '')} onChange={(event) => void set(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    )
  if (Array.isArray(value) || ['strings', 'paths', 'regexps'].includes(type))
    return (
      <textarea
        {...common}
        rows={Math.min(8, Math.max(1, Array.isArray(value) ? value.length : 1))}
        placeholder="one a line"
        value={Array.isArray(value) ? value.join('\n') : ''}
        onChange={(event) => void set(event.currentTarget.value.split('\n').filter((line) => line !== ''))}
      />
    )
  const put = (text: string) => void set(text === '' ? null : type === 'integer' ? Number(text) : text)
  const text = String(value ?? '')
  return type === 'integer' ? (
    <input
      {...common}
      type="number"
      min={range?.[0]}
      max={range?.[1]}
      value={text}
      onChange={(event) => put(event.currentTarget.value)}
    />
  ) : (
    <input {...common} type="text" value={text} onChange={(event) => put(event.currentTarget.value)} />
  )
}
