// Waiting with an end: every wait says what it waited for when it gives up.
import { setTimeout as sleep } from 'node:timers/promises'

/** The promise, or an error that names what was awaited after `ms` milliseconds. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`waited ${ms} ms for ${what}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}

/** Asks again and again, for what tells nobody when it happens; gives the first answer that is neither undefined nor false. */
export async function until<T>(
  ms: number,
  what: string,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + ms
  let last: unknown
  for (;;) {
    last = await within(Math.max(1, end - performance.now()), what, Promise.resolve(probe()))
    if (last !== undefined && last !== false) return last as Exclude<T, undefined | false>
    if (performance.now() >= end) throw new Error(`waited ${ms} ms for ${what}`)
    await sleep(10)
  }
}

/** How long the work took, in milliseconds, with its result. */
export async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const result = await work()
  return [performance.now() - start, result]
}
