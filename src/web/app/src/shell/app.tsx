// The frame of the page: the navigation, how the connection stands, and the place that the address names.
import { useEffect, useRef, useState } from 'preact/hooks'
import { connection, connectNow } from './connection.js'
import { useKeys } from './keys.js'
import { KeysOverlay } from './keys-overlay.js'
import { Notices } from './notices.js'
import { places } from './places.js'
import { go, parts } from './router.js'

export function App() {
  const [keysShown, showKeys] = useState(false)
  useKeys('Everywhere', [
    { key: '?', does: 'Show these keys', run: () => showKeys(true) },
    ...places.map(({ name, title, key }) => ({ key, does: title, run: () => go(`/${name}`) })),
  ])
  const [name = 'flows'] = parts.value
  const place = places.find((one) => one.name === name)
  const main = useRef<HTMLElement>(null)
  const before = useRef(place)
  useEffect(() => {
    document.title = `${place?.title ?? 'Not found'} · midwire`
    // Whoever reads by ear is told where a key or a link has led; a page that has just come begins at its top.
    if (before.current !== place) main.current?.focus({ preventScroll: true })
    before.current = place
  }, [place])
  return (
    <>
      <Navigation current={name} onKeys={() => showKeys(true)} />
      <main ref={main} data-place={name} tabIndex={-1} aria-label={place?.title ?? 'Not found'}>
        <Lost />
        {place ? <place.Page /> : <NotFound />}
      </main>
      <Notices />
      {keysShown && <KeysOverlay onClose={() => showKeys(false)} />}
    </>
  )
}

function Navigation({ current, onKeys }: { current: string; onKeys: () => void }) {
  return (
    <nav aria-label="Places">
      {places.map(({ name, title, sign, key }) => (
        <a
          key={name}
          href={`/${name}`}
          aria-current={name === current ? 'page' : undefined}
          title={`${title} (${key})`}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={sign} />
          </svg>
          <span>{title}</span>
        </a>
      ))}
      <button type="button" class="quiet help" onClick={onKeys} aria-label="Show the keys" title="Keys (?)">
        ?
      </button>
    </nav>
  )
}

const STATES = { connecting: 'Connecting', open: 'Connected', lost: 'Not connected', locked: 'Signed out' }

/** Said where it is seen, and told to screen readers; what is shown below stays. */
function Lost() {
  const state = connection.value
  return (
    <div class="connection" role="status" data-state={state}>
      <i aria-hidden="true" />
      <span>{STATES[state]}</span>
      {state === 'locked' && (
        <span>
          midwire was started anew.{' '}
          <a href="/" target="_self">
            Sign in
          </a>
          , or open the address that it has printed.
        </span>
      )}
      {state === 'lost' && (
        <>
          <span class="detail">midwire does not answer. The page connects again by itself.</span>
          <button type="button" class="quiet" onClick={connectNow}>
            Try now
          </button>
        </>
      )}
    </div>
  )
}

function NotFound() {
  return (
    <>
      <h1>Not found</h1>
      <div class="empty">
        <h2>There is nothing at this address</h2>
        <p>
          <a href="/flows">To the flows</a>
        </p>
      </div>
    </>
  )
}
