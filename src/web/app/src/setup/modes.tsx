// The ways in, as cards that are switched on and off: those of the proxy, those that were switched off here, and one of each kind to begin with.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt } from '../flows/actions.js'
import { type Answer, change, get, type Modes } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { options, setOption } from '../shell/options.js'
import { remembered } from '../shell/remembered.js'
import { ModeCard } from './mode-card.js'
import { fieldsOf } from './mode-spec.js'

const known = signal<Modes>({ modes: [], kinds: [] })
const MOST_REMEMBERED = 20

/** The specs of modes that were switched off, so that their fields are not typed again. */
const switchedOff = remembered<readonly string[]>(
  'modes',
  [],
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
)

/** Modes as they were given: `modes` shows them without passwords. Options that have no mode leave them to midwire. */
function givenSpecs(): readonly string[] {
  const value = options.value.get('mode')?.value
  const shown = known.value.modes.map(({ spec }) => spec)
  return Array.isArray(value) && value.length === shown.length ? value : shown
}

export function useModes(): void {
  const open = connection.value === 'open'
  useEffect(() => {
    if (!open) return
    void attempt(async () => {
      known.value = await get<Modes>('/modes')
    })
    const ends = [
      followTopic('modes'),
      onMessage('modes', ({ modes, kinds }) => {
        known.value = { modes, kinds }
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
}

/** The reason why it could not be done; undefined where it was. */
async function reasonOf(action: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    // What could not listen is in the list all the same, and says so.
    await get<Modes>('/modes').then(
      (answer) => {
        known.value = answer
      },
      () => undefined,
    )
  }
}

const without = (specs: readonly string[], at: number, ...instead: string[]) => specs.toSpliced(at, 1, ...instead)

const forget = (spec: string) => {
  switchedOff.value = switchedOff.value.filter((one) => one !== spec)
}

const switchOn = (spec: string) =>
  reasonOf(async () => {
    await change<Answer<'addMode'>>('POST', '/modes', { spec })
    forget(spec)
  })

export function ModesSection() {
  useModes()
  const { modes, kinds } = known.value
  const given = givenSpecs()
  const kindOf = (name: string) => kinds.find((one) => one.name === name)
  const switchOff = (at: number) =>
    reasonOf(async () => {
      if (modes.length === 1) throw new Error('It is the last mode: switch another one on first')
      const spec = given[at] ?? ''
      await setOption('mode', without(given, at))
      switchedOff.value = [spec, ...switchedOff.value.filter((one) => one !== spec)].slice(0, MOST_REMEMBERED)
    })
  const off = switchedOff.value.filter((spec) => !given.includes(spec) && kindOf(fieldsOf(spec).name))
  return (
    <section aria-labelledby="modes">
      <h2 id="modes">Ways in</h2>
      <ul class="cards">
        {modes.map((mode, at) => (
          <ModeCard
            key={`on ${mode.spec}`}
            {...{ mode, kind: kindOf(mode.name), spec: given[at] ?? mode.spec }}
            onSwitch={() => switchOff(at)}
            onChange={(spec) => reasonOf(() => setOption('mode', without(given, at, spec)))}
            onAgain={() => void switchOn(given[at] ?? mode.spec)}
          />
        ))}
        {off.map((spec) => (
          <ModeCard
            key={`off ${spec}`}
            {...{ spec, kind: kindOf(fieldsOf(spec).name) }}
            onSwitch={async (_on, changed) => {
              const reason = await switchOn(changed)
              if (reason === undefined) forget(spec)
              return reason
            }}
            onRemove={() => forget(spec)}
          />
        ))}
      </ul>
      <h2 id="more">One more</h2>
      <ul class="cards" aria-labelledby="more">
        {kinds.map((kind) => (
          <ModeCard key={kind.name} kind={kind} spec={kind.name} onSwitch={(_on, spec) => switchOn(spec)} />
        ))}
      </ul>
    </section>
  )
}
