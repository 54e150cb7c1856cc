// Keys: each part of the page registers what its keys do, and `?` shows all that count now.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export interface Key {
  /** As `KeyboardEvent.key` has it, with `Ctrl+` or `Shift+` before it: `Ctrl+c`, `Home`, `/`. Ctrl is ⌘ on a Mac. */
  readonly key: string
  readonly does: string
  readonly run: (event: KeyboardEvent) => void
  /** True: it counts while a text is typed, too. */
  readonly typing?: boolean
}

interface Group {
  readonly name: string
  keys: readonly Key[]
}

/** The groups that count now, the latest last. */
export const groups = signal<readonly Group[]>([])

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches('input:not([type=checkbox], [type=radio]), textarea, select'))

function nameOf(event: KeyboardEvent): string {
  const shift = event.shiftKey && event.key.length > 1 ? 'Shift+' : ''
  return (event.ctrlKey || event.metaKey ? 'Ctrl+' : '') + (event.altKey ? 'Alt+' : '') + shift + event.key
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return
  // A dialog that is open has all keys.
  if (document.querySelector('dialog[open]')) return
  const name = nameOf(event)
  // Within a shadow root, the editor's, the target is its host.
  const typing = isTyping(event.composedPath()[0] ?? null)
  // A button or a link that has the focus is pressed by these.
  const pressed = (event.key === 'Enter' || event.key === ' ') && event.target instanceof HTMLElement
  if (pressed && event.target.closest('button, a, summary, [role=tab]')) return
  for (const group of groups.value.toReversed()) {
    const found = group.keys.find(({ key, typing: always }) => key === name && (!typing || always))
    if (!found) continue
    // What is selected as text is copied by the browser.
    if (name === 'Ctrl+c' && getSelection()?.toString()) return
    event.preventDefault()
    found.run(event)
    return
  }
  // A field is left by Escape; the next one is the page's.
  if (name === 'Escape' && typing) (document.activeElement as HTMLElement | null)?.blur()
})

/** The keys of a part of the page, while it is shown. */
export function useKeys(name: string, keys: readonly Key[]): void {
  const own = useRef<Group>({ name, keys })
  own.current.keys = keys
  useEffect(() => {
    const group = own.current
    groups.value = [...groups.value, group]
    return () => {
      groups.value = groups.value.filter((one) => one !== group)
    }
  }, [])
}
