// Times in the names of files, as Python's strftime writes them, in English and the local time zone.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October']
MONTHS.push('November', 'December')

const pad = (number: number, digits = 2) => String(number).padStart(digits, '0')

const dayOfYear = (time: Date) =>
  Math.round(
    (Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - Date.UTC(time.getFullYear(), 0, 0)) / 86_400_000,
  )

const DIRECTIVES: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => String(time.getFullYear()),
  y: (time) => pad(time.getFullYear() % 100),
  m: (time) => pad(time.getMonth() + 1),
  d: (time) => pad(time.getDate()),
  H: (time) => pad(time.getHours()),
  I: (time) => pad(time.getHours() % 12 || 12),
  M: (time) => pad(time.getMinutes()),
  S: (time) => pad(time.getSeconds()),
  f: (time) => pad(time.getMilliseconds() * 1000, 6),
  j: (time) => pad(dayOfYear(time), 3),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  a: (time) => (DAYS[time.getDay()] ?? '').slice(0, 3),
  A: (time) => DAYS[time.getDay()] ?? '',
  b: (time) => (MONTHS[time.getMonth()] ?? '').slice(0, 3),
  B: (time) => MONTHS[time.getMonth()] ?? '',
  w: (time) => String(time.getDay()),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  F: (time) => strftime('%Y-%m-%d', time),
  T: (time) => strftime('%H:%M:%S', time),
  R: (time) => strftime('%H:%M', time),
  D: (time) => strftime('%m/%d/%y', time),
  '%': () => '%',
}

/** Replaces directives such as `%Y`. What is no directive stays as it is. */
export function strftime(format: string, time: Date): string {
  return format.replace(/%(.)/gs, (written, name: string) => DIRECTIVES[name]?.(time) ?? written)
}
