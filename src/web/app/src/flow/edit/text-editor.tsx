// A text that is edited in CodeMirror, which is loaded for the first one and not before; in a plain field where it cannot be loaded.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  /** The text at first; what is typed is told by `onChange`. */
  readonly text: string
  /** The Content-Type. */
  readonly type: string
  readonly label: string
  readonly onChange: (text: string) => void
}

export function TextEditor({ text, type, label, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const state = useSignal<'loading' | 'ready' | 'failed'>('loading')
  const change = useRef(onChange)
  change.current = onChange
  useEffect(() => {
    let end: (() => void) | undefined
    let over = false
    import('./editor.js').then(
      ({ mount }) => {
        if (over || !host.current) return
        end = mount(host.current, { text, type, label, onChange: (next) => change.current(next) })
        state.value = 'ready'
      },
      () => {
        state.value = 'failed'
      },
    )
    return () => {
      over = true
      end?.()
    }
  }, [])
  return (
    <>
      <div ref={host} class="editor" hidden={state.value === 'failed'} />
      {state.value === 'failed' && (
        <textarea
          aria-label={label}
          rows={12}
          value={text}
          spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </>
  )
}
