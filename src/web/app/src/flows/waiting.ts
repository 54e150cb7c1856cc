// The flows that wait to be let go, and how the page goes from one of them to the next by itself.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { followTopic, onMessage } from '../shell/connection.js'

/** Those that have waited longest first; at most 100 of `totalWaiting`. */
export const waitingIds = signal<readonly string[]>([])
export const totalWaiting = signal(0)

onMessage('waiting', ({ ids, total }) => {
  waitingIds.value = ids
  totalWaiting.value = total
})

/** The one that comes after `id`, or the first; undefined where no other waits. */
export function nextWaiting(id: string): string | undefined {
  const ids = waitingIds.value
  return [...ids.slice(ids.indexOf(id) + 1), ...ids].find((one) => one !== id)
}

/**
 * Opens the first flow that waits where none is open, and the next one when the one that is open has gone on. Whoever looks at a flow that
 * has never waited is left alone.
 */
export function useNextWaiting(id: string, open: (id: string) => void): void {
  useEffect(() => followTopic('waiting'), [])
  const before = useRef<readonly string[]>([])
  /** The last flow that was open while it waited. */
  const last = useRef('')
  const ids = waitingIds.value
  useEffect(() => {
    const arrived = ids.some((one) => !before.current.includes(one))
    const left = before.current.includes(id) && !ids.includes(id)
    before.current = ids
    if (ids.includes(id)) {
      last.current = id
      return
    }
    const [first] = ids
    if (first === undefined) return
    const isFree = id === '' || id === last.current
    if (left || (arrived && isFree)) open(first)
  }, [ids, id])
}
