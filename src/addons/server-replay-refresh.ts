// Makes a recorded response young: its dates, and those of its cookies, are as far from now as they were from then.
import type { HttpResponse } from '../flow/http.js'

const DATES = ['date', 'expires', 'last-modified']

/** The attribute Expires of a Set-Cookie field (RFC 6265, 5.2.1). */
const EXPIRES = /(;\s*expires\s*=\s*)([^;]*)/gi

/** Moves the dates by the milliseconds since the response was recorded. What is no date stays as it is. */
export function refresh({ headers }: HttpResponse, milliseconds: number): void {
  for (const name of DATES) {
    const values = headers.getAll(name)
    if (values.length > 0)
      headers.set(
        name,
        values.map((value) => moved(value, milliseconds)),
      )
  }
  const cookies = headers.getAll('set-cookie')
  if (cookies.length === 0) return
  headers.set(
    'set-cookie',
    cookies.map((cookie) =>
      cookie.replace(EXPIRES, (_, before: string, date: string) => `${before}${moved(date, milliseconds)}`),
    ),
  )
}

/** A date in HTTP's form (RFC 9110, 5.6.7), moved; another text, or one that would leave the calendar, as it is. */
function moved(text: string, milliseconds: number): string {
  // Cookies of old have hyphens: Wdy, DD-Mon-YYYY HH:MM:SS GMT.
  const date = Date.parse(text.trim().replace(/(\d)-(\w{3})-(\d)/, '$1 $2 $3'))
  const later = new Date(date + milliseconds)
  return /[a-z]{3}/i.test(text) && !Number.isNaN(later.getTime()) ? later.toUTCString() : text
}
