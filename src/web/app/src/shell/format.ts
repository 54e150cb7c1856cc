// Numbers as people read them: sizes, durations, times.
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `1.3 kB`; the empty text for 0. */
export function size(bytes: number): string {
  if (bytes <= 0) return '0 B'
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1)
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}

/** `12 ms`, `1.24 s`, `3 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${milliseconds.toFixed(1)} ms`
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(2)} s`
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`
}

const padded = (number: number, digits: number) => String(number).padStart(digits, '0')

/** `14:03:59.120`. Without `Intl`, whose first use costs as much as the drawing of many rows. */
export function time(at: number): string {
  const date = new Date(at)
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => padded(part, 2))
  return `${parts.join(':')}.${padded(date.getMilliseconds(), 3)}`
}

let day: Intl.DateTimeFormat | undefined

/** `3 Dec 2026`, as it is usual where the reader is. */
export function dateOf(at: number): string {
  day ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
  return day.format(at)
}

export const dateTime = (at: number) => `${dateOf(at)}, ${time(at)}`

/** `3 minutes ago`. */
export function ago(at: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

/** `500,000`. */
export const count = (number: number): string => String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ',')

export const plural = (number: number, one: string, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`
