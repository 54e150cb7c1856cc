// The rules of one option: a list that is edited in place, and a line for one more.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Switch } from '../shell/switch.js'
import { partsOf, type RuleKind, textOf } from './rule-kinds.js'
import { type Rule, rulesOf, setRules } from './rules.js'
import { Sortable } from './sortable.js'

export function RuleSection({ kind }: { kind: RuleKind }) {
  const { option, title, does } = kind
  const failure = useSignal('')
  const rules = rulesOf(option)
  /** Whether it was taken. */
  const set = async (next: readonly Rule[]): Promise<boolean> => {
    try {
      await setRules(option, next)
      failure.value = ''
      return true
    } catch (error) {
      failure.value = error instanceof Error ? error.message : String(error)
      return false
    }
  }
  const put = (at: number, rule: Rule) => set(rules.with(at, rule))
  return (
    <section class="rules" aria-labelledby={`rules-${option}`}>
      <header>
        <h2 id={`rules-${option}`}>{title}</h2>
        <span class="faint">
          {does} <code>{option}</code>
        </span>
      </header>
      {failure.value && (
        <p class="bad" role="alert">
          {failure.value}
        </p>
      )}
      {rules.length > 0 && (
        <Sortable
          label={`${title}, in their order`}
          items={rules}
          keyOf={({ text }, at) => `${text} ${rules.findIndex((one) => one.text === text) === at ? '' : at}`}
          nameOf={({ text }) => text}
          isOff={({ enabled }) => !enabled}
          onOrder={(next) => void set(next)}
        >
          {(rule, at) => (
            <>
              <Switch
                label={`Rule ${rule.text}`}
                on={rule.enabled}
                onChange={(enabled) => void put(at, { ...rule, enabled })}
              />
              <Fields
                kind={kind}
                text={rule.text}
                onChange={(text) => put(at, { ...rule, text })}
                onFailure={(reason) => (failure.value = reason)}
              />
              <button
                type="button"
                class="icon remove"
                aria-label={`Remove ${rule.text}`}
                title="Remove"
                onClick={() => void set(rules.toSpliced(at, 1))}
              >
                ×
              </button>
            </>
          )}
        </Sortable>
      )}
      <NewRule
        kind={kind}
        onAdd={(text) => set([...rules, { text, enabled: true }])}
        onFailure={(reason) => (failure.value = reason)}
      />
    </section>
  )
}

interface FieldsProps {
  readonly kind: RuleKind
  readonly text: string
  readonly onChange: (text: string) => Promise<boolean>
  readonly onFailure: (reason: string) => void
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** The fields of a rule. One that has changed is taken when it is left, or by Enter. */
function Fields({ kind, text, onChange, onFailure }: FieldsProps) {
  const parts = useSignal(partsOf(kind, text))
  useEffect(() => {
    parts.value = partsOf(kind, text)
  }, [text])
  /** What was refused is not sent again, as long as nothing has changed. */
  const refused = useRef('')
  const done = () => {
    const tried = parts.value.join('\n')
    if (tried === refused.current) return
    const same = partsOf(kind, text).every((part, at) => part === parts.value[at]?.trim())
    if (same || kind.fields.some(({ needed }, at) => needed && !parts.value[at]?.trim())) return
    try {
      void onChange(textOf(kind, parts.value)).then((taken) => {
        refused.current = taken ? '' : tried
      })
    } catch (error) {
      onFailure(reasonOf(error))
    }
  }
  return (
    <Inputs
      kind={kind}
      values={parts.value}
      onInput={(next) => (parts.value = next)}
      onDone={done}
      of={` of ${text}`}
    />
  )
}

function NewRule({
  kind,
  onAdd,
  onFailure,
}: {
  kind: RuleKind
  onAdd: (text: string) => Promise<boolean>
  onFailure: (reason: string) => void
}) {
  const empty = kind.fields.map(() => '')
  const parts = useSignal(empty)
  const complete = kind.fields.every(({ needed }, at) => !needed || parts.value[at]?.trim())
  return (
    <form
      class="new"
      aria-label={`${kind.title}: one more`}
      onSubmit={(event) => {
        event.preventDefault()
        if (!complete) return
        try {
          void onAdd(textOf(kind, parts.value)).then((taken) => {
            if (taken) parts.value = empty
          })
        } catch (error) {
          onFailure(reasonOf(error))
        }
      }}
    >
      <Inputs kind={kind} values={parts.value} onInput={(next) => (parts.value = next)} of="" />
      <button type="submit" disabled={!complete}>
        Add
      </button>
    </form>
  )
}

interface InputsProps {
  readonly kind: RuleKind
  readonly values: readonly string[]
  readonly onInput: (values: string[]) => void
  readonly onDone?: () => void
  /** The rule, for screen readers. */
  readonly of: string
}

function Inputs({ kind: { fields }, values, onInput, onDone, of }: InputsProps) {
  return (
    <span class="inputs" data-fields={fields.length}>
      {fields.map(({ name, placeholder }, at) => (
        <label key={name}>
          <span>{name}</span>
          <input
            type="text"
            aria-label={`${name}${of}`}
            spellcheck={false}
            placeholder={placeholder}
            value={values[at] ?? ''}
            onInput={(event) => onInput(values.with(at, event.currentTarget.value))}
            onBlur={onDone}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && onDone) onDone()
            }}
          />
        </label>
      ))}
    </span>
  )
}
