// Content as a view shows it, asked for anew when it has changed, and never twice at a time.
import { type ReadonlySignal, type Signal, signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Answer, get, type Rendered, type State } from '../shell/api.js'

/** The names of the views that there are. */
export const views: Signal<readonly string[]> = signal(['auto'])
let asked = false

export async function loadViews(): Promise<void> {
  if (asked) return
  asked = true
  try {
    views.value = (await get<State>('/state')).views
  } catch {
    asked = false
  }
}

export interface Wanted {
  /** The path of the content in the API: `/flows/ID/request`, `/flows/ID/messages/3`. */
  readonly path: string
  readonly view: string
  readonly lines: number
  /** Changes when the content has. */
  readonly version: string
}

/** A view stays on the page until the next one has come, so that nothing jumps. */
export function useRendered({ path, view, lines, version }: Wanted): {
  readonly shown: ReadonlySignal<Rendered | undefined>
  readonly failure: ReadonlySignal<string>
} {
  const shown = useSignal<Rendered | undefined>(undefined)
  const failure = useSignal('')
  const asking = useRef(false)
  const wanted = useRef('')
  useEffect(() => {
    const key = JSON.stringify([path, view, lines, version])
    wanted.current = key
    const ask = async (): Promise<void> => {
      if (asking.current) return
      asking.current = true
      const now = wanted.current
      try {
        const [at, of, most] = JSON.parse(now) as [string, string, number]
        const answer = await get<Answer<'viewContent'>>(`${at}/view`, { view: of, lines: most })
        shown.value = answer
        failure.value = ''
      } catch (error) {
        failure.value = (error as Error).message
      }
      asking.current = false
      if (wanted.current !== now && wanted.current !== '') await ask()
    }
    void ask()
  }, [path, view, lines, version])
  useEffect(
    () => () => {
      wanted.current = ''
    },
    [],
  )
  return { shown, failure }
}
