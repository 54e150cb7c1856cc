// The time of day, as texts like "5 s ago" need it.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

const now = signal(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The time, which moves every second while it is shown. */
export function useNow(): number {
  useEffect(() => {
    users += 1
    timer ??= setInterval(() => {
      now.value = Date.now()
    }, 1_000)
    return () => {
      users -= 1
      if (users > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }, [])
  return now.value
}
