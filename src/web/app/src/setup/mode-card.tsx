// A mode as a card: its switch, how it runs or why it does not, and its fields.
import { useSignal } from '@preact/signals'
import { useEffect, useId } from 'preact/hooks'
import type { Modes } from '../shell/api.js'
import { quoted } from '../shell/command-line.js'
import { Switch } from '../shell/switch.js'
import { fieldsOf, type ModeFields, specOf } from './mode-spec.js'

export type Kind = Modes['kinds'][number]
export type Mode = Modes['modes'][number]

interface Props {
  readonly kind: Kind | undefined
  /** As it was given, or as it is to begin. */
  readonly spec: string
  /** Undefined for one that is switched off. */
  readonly mode?: Mode | undefined
  /** Fulfilled with a reason where it could not be done. */
  readonly onSwitch: (on: boolean, spec: string) => Promise<string | undefined>
  /** The fields of one that runs have changed. */
  readonly onChange?: (spec: string) => Promise<string | undefined>
  readonly onAgain?: () => void
  readonly onRemove?: () => void
}

const STATES = { running: 'Runs at', starting: 'Starts', failed: 'Does not run' }

export function ModeCard({ kind, spec, mode, onSwitch, onChange, onAgain, onRemove }: Props) {
  const fields = useSignal<ModeFields>(fieldsOf(spec))
  const failure = useSignal('')
  const busy = useSignal(false)
  useEffect(() => {
    fields.value = fieldsOf(spec)
  }, [spec])
  const { name } = fields.value
  const wanted = specOf(fields.value)
  const perform = async (action: () => Promise<string | undefined>) => {
    busy.value = true
    failure.value = ''
    failure.value = (await action()) ?? ''
    busy.value = false
  }
  const reason = failure.value || mode?.error
  const isOn = mode !== undefined
  return (
    <li data-state={mode?.state ?? 'off'} aria-label={`Mode ${wanted}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isOn) void perform(() => onSwitch(true, wanted))
          else if (wanted !== spec && onChange) void perform(() => onChange(wanted))
        }}
      >
        <div class="title">
          <h3>{name}</h3>
          <Switch
            label={`${name}${isOn ? '' : ', switched off'}`}
            on={isOn}
            disabled={busy.value}
            onChange={(on) => void perform(() => onSwitch(on, wanted))}
          />
        </div>
        <p class="faint">{kind?.description}</p>
        <p class="where">
          {mode ? STATES[mode.state] : 'Switched off'}
          {mode?.listeners.map(({ host, port, transport }) => (
            <code key={`${transport} ${host} ${port}`}>
              {host.includes(':') ? `[${host}]` : host}:{port}/{transport}
            </code>
          ))}
        </p>
        {reason && (
          <p class="bad" role="alert">
            {reason}
          </p>
        )}
        <Fields fields={fields.value} kind={kind} onInput={(next) => (fields.value = next)} />
        <div class="bar">
          {isOn && wanted !== spec && (
            <button type="submit" class="main" disabled={busy.value}>
              Apply
            </button>
          )}
          {mode?.state === 'failed' && onAgain && (
            <button type="button" onClick={onAgain}>
              Try again
            </button>
          )}
          <code class="spec">--mode {quoted(wanted)}</code>
          {onRemove && (
            <button type="button" class="quiet" onClick={onRemove} aria-label={`Forget ${wanted}`}>
              Forget
            </button>
          )}
        </div>
      </form>
    </li>
  )
}

interface FieldsProps {
  readonly fields: ModeFields
  readonly kind: Kind | undefined
  readonly onInput: (fields: ModeFields) => void
}

/** What stands behind the colon of a spec, by midwire's word for it: a label and an example. */
const DATA: Readonly<Record<string, readonly [string, string]>> = {
  SERVER: ['Server', 'https://example.com'],
  PROXY: ['Proxy', 'http://host:8080'],
  FILE: ['Key file', 'wireguard.conf'],
  tproxy: ['Rules', 'tproxy'],
}

function Fields({ fields, kind, onInput }: FieldsProps) {
  const field = (name: 'data' | 'place' | 'via', label: string, placeholder: string, help?: string) => (
    <Field
      {...{ label, placeholder, help }}
      value={fields[name]}
      onInput={(value) => onInput({ ...fields, [name]: value.trim() })}
    />
  )
  const { data, defaultPort = 0 } = kind ?? {}
  return (
    <div class="fields">
      {data && field('data', ...(DATA[data.placeholder] ?? ([data.placeholder, ''] as const)), data.help)}
      {field('place', 'Listens on', String(defaultPort), '[host:]port; port 0 is any that is free')}
      {fields.name !== 'dns' &&
        field('via', 'Via', 'socks5://host:1080', 'the proxies that it leaves by; default: those of all modes')}
    </div>
  )
}

interface FieldProps {
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly help: string | undefined
  readonly onInput: (value: string) => void
}

function Field({ label, placeholder, value, help, onInput }: FieldProps) {
  const id = useId()
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        {...{ placeholder, value, title: help }}
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </>
  )
}
