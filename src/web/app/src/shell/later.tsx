// A part of the page whose script is not needed for the first rows: it comes quietly behind them, or when the part is shown before that.
import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'

export interface Later<Props> {
  (props: Props): JSX.Element
  /** Fetches the script, unless it is here or on its way. */
  fetch(): void
}

/** `Frame` has the room of the part while its script is on its way: it holds nothing then, or why the script cannot be had. */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Frame: ComponentType<{ children?: JSX.Element | undefined }>,
): Later<Props> {
  const part = signal<ComponentType<Props> | 'failed' | undefined>(undefined)
  let isAsked = false
  const fetch = () => {
    if (isAsked) return
    isAsked = true
    load().then(
      (loaded) => {
        part.value = loaded
      },
      () => {
        part.value = 'failed'
      },
    )
  }
  const Shown = (props: Props) => {
    fetch()
    const Part = part.value
    if (Part === undefined) return <Frame />
    return Part === 'failed' ? <Frame children={<Failed />} /> : <Part {...props} />
  }
  return Object.assign(Shown, { fetch })
}

/** midwire is not running, or is another version than the one that this page is from. */
function Failed() {
  return (
    <p class="failed" role="alert">
      This part of the page could not be fetched.{' '}
      <button type="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </p>
  )
}
