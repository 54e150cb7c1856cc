// A line for a filter: completion of its operators, and the error at its character.
import { signal, useSignal } from '@preact/signals'
import type { Ref } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { type Answer, get } from '../shell/api.js'
import type { Refusal } from './list.js'

type Operators = Answer<'getFilterHelp'>['operators']
const operators = signal<Operators>([])
let loading = false

/** Asked for once, when the first line gets the focus. */
async function load(): Promise<void> {
  if (loading || operators.value.length > 0) return
  loading = true
  try {
    operators.value = (await get<Answer<'getFilterHelp'>>('/filter/help')).operators
  } catch {
    // Without them a filter is typed without help.
  }
  loading = false
}

interface Props {
  readonly id: string
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly refusal?: Refusal | undefined
  readonly input?: Ref<HTMLInputElement>
  readonly onChange: (value: string) => void
}

/** Typing settles before a filter is sent. */
const SETTLE_MILLISECONDS = 80
const MOST_OFFERS = 12

/** The operator that is being typed before the caret. */
const begun = (text: string, caret: number) => /(?:^|[\s(!&|])(~\w*)$/.exec(text.slice(0, caret))?.[1]

export function FilterLine({ id, label, placeholder, value, refusal, input, onChange }: Props) {
  const text = useSignal(value)
  const chosen = useSignal(0)
  const open = useSignal(false)
  const caret = useSignal(0)
  /** What was sent from here and has not come back yet: more may have been typed since, and that stays. */
  const sent = useRef(new Set<string>())
  const send = (now: string) => {
    if (now !== value) sent.current.add(now)
    onChange(now)
  }
  useEffect(() => {
    if (!sent.current.delete(value)) text.value = value
  }, [value])
  useEffect(() => {
    if (text.value === value) return
    const timer = setTimeout(() => send(text.value), SETTLE_MILLISECONDS)
    return () => clearTimeout(timer)
  }, [text.value])
  const word = open.value ? begun(text.value, caret.value) : undefined
  const offers =
    word === undefined ? [] : operators.value.filter(({ operator }) => operator.startsWith(word)).slice(0, MOST_OFFERS)
  const take = (operator: string) => {
    const name = operator.split(' ')[0] ?? ''
    const before = text.value.slice(0, caret.value - (word?.length ?? 0))
    text.value = `${before}${name} ${text.value.slice(caret.value).trimStart()}`
    caret.value = before.length + name.length + 1
    open.value = false
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const offer = offers[chosen.value]
    if (offers.length > 0 && by) chosen.value = (chosen.value + by + offers.length) % offers.length
    else if (offer && (event.key === 'Tab' || event.key === 'Enter')) take(offer.operator)
    else if (event.key === 'Enter') send(text.value)
    else if (event.key === 'Escape' && offers.length > 0) open.value = false
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div class="filter" data-bad={refusal !== undefined} data-on={text.value !== ''}>
      <label for={id}>{label}</label>
      <input
        ref={input ?? null}
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={placeholder}
        value={text.value}
        aria-expanded={offers.length > 0}
        aria-controls={`${id}-offers`}
        aria-activedescendant={offers.length > 0 ? `${id}-${chosen.value}` : undefined}
        aria-invalid={refusal !== undefined}
        aria-describedby={refusal && offers.length === 0 ? `${id}-error` : undefined}
        onFocus={() => void load()}
        onInput={(event) => {
          text.value = event.currentTarget.value
          caret.value = event.currentTarget.selectionStart ?? text.value.length
          chosen.value = 0
          open.value = true
        }}
        onBlur={() => {
          open.value = false
          sent.current.clear()
        }}
        onKeyDown={onKeyDown}
      />
      {text.value !== '' && (
        <button
          type="button"
          class="icon"
          aria-label={`Clear ${label.toLowerCase()}`}
          onClick={() => {
            text.value = ''
            send('')
          }}
        >
          ×
        </button>
      )}
      <div
        id={`${id}-offers`}
        class="offers"
        role="listbox"
        aria-label={`Operators for ${label.toLowerCase()}`}
        hidden={offers.length === 0}
      >
        {offers.map(({ operator, help }, at) => (
          <div
            key={operator}
            id={`${id}-${at}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === chosen.value}
            onMouseDown={(event) => {
              event.preventDefault()
              take(operator)
            }}
          >
            <code>{operator}</code> <span>{help}</span>
          </div>
        ))}
      </div>
      {refusal && offers.length === 0 && (
        <div id={`${id}-error`} class="refusal" role="alert">
          {refusal.at !== undefined && (
            <pre aria-hidden="true">
              {text.value}
              {`\n${' '.repeat(refusal.at)}^`}
            </pre>
          )}
          {refusal.message}
        </div>
      )}
    </div>
  )
}
