// A request and its response as they are written in HTTP/1: their heads and bodies in one piece, as text or as hex.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Flow } from '../shell/api.js'
import { address, getBytes } from '../shell/api.js'
import { size } from '../shell/format.js'
import { hexOf } from './hex.js'
import { setView, viewOf } from './view-address.js'

/** What is shown of a message; the rest is there to download. */
const MOST_BYTES = 64 * 1024

export function Raw({ flow }: { flow: Flow }) {
  const view = viewOf('raw', 'text')
  return (
    <section aria-label="Raw">
      <div class="bar">
        <div class="choice" role="group" aria-label="How raw bytes are shown">
          {(['text', 'hex'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={view === one} onClick={() => setView('raw', one, 'text')}>
              {one === 'hex' ? 'Hex' : 'Text'}
            </button>
          ))}
        </div>
      </div>
      <RawMessage flow={flow} part="request" hex={view === 'hex'} />
      {flow.response && <RawMessage flow={flow} part="response" hex={view === 'hex'} />}
    </section>
  )
}

function RawMessage({ flow, part, hex }: { flow: Flow; part: 'request' | 'response'; hex: boolean }) {
  const bytes = useSignal<Uint8Array | undefined>(undefined)
  const failure = useSignal('')
  const path = `/flows/${encodeURIComponent(flow.id)}/export`
  const format = `raw_${part}`
  const version = `${flow.modified} ${flow[part]?.endedAt}`
  useEffect(() => {
    let over = false
    getBytes(path, { format }, MOST_BYTES + 1).then(
      (answer) => {
        if (!over) bytes.value = answer
      },
      (error: Error) => {
        if (!over) failure.value = error.message
      },
    )
    return () => {
      over = true
    }
  }, [path, version])
  const all = bytes.value
  const shown = all?.subarray(0, MOST_BYTES)
  return (
    <>
      <h2>{part === 'request' ? 'Request' : 'Response'}</h2>
      {failure.value && <p class="bad">{failure.value}</p>}
      {shown && <pre class="lines-of">{hex ? hexOf(shown) : new TextDecoder().decode(shown)}</pre>}
      <p class="faint">
        {all && all.length > MOST_BYTES && `The first ${size(MOST_BYTES)}. `}
        <a href={address(path, { format })} download={`${part}.http`}>
          Download
        </a>
      </p>
    </>
  )
}
