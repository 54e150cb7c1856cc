// The overlay of `?`: every key that counts now, by the part of the page that has it.
import { useEffect, useRef } from 'preact/hooks'
import { groups } from './keys.js'

/** How a keyboard names them. */
const SIGNS: Readonly<Record<string, string>> = {
  ...{ ArrowDown: '↓', ArrowUp: '↑', ArrowLeft: '←', ArrowRight: '→' },
  ...{ PageDown: 'Page ↓', PageUp: 'Page ↑', Escape: 'Esc' },
}

/** `Shift+ArrowDown` is `Shift ↓`, `Ctrl+c` is `Ctrl C`, and `D`, which is told from `d`, is `Shift D`. */
function shownKey(key: string): string {
  const [name = '', ...held] = key.length > 1 ? key.split('+').reverse() : [key]
  const isLetter = /^[a-z]$/i.test(name)
  const shift = isLetter && name === name.toUpperCase() && !held.includes('Shift') ? ['Shift'] : []
  return [...held, ...shift, isLetter ? name.toUpperCase() : (SIGNS[name] ?? name)].join(' ')
}

export function KeysOverlay({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={onClose}>
      <header>
        <h2 id="keys-title">Keys</h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {groups.value.map(({ name, keys }) => (
        <section key={name}>
          <h3>{name}</h3>
          <dl>
            {keys.map(({ key, does }) => (
              <div key={key}>
                <dt>
                  <kbd>{shownKey(key)}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </dialog>
  )
}
