// Command lines that set up another midwire as the page has set up this one.
import { computed } from '@preact/signals'
import type { Option } from './api.js'
import { options } from './options.js'

/** A word of a command line, as a shell reads it: nothing in it is run. */
export const quoted = (text: string) => (/^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

export const isChanged = ({ value, default: usual }: Option) => JSON.stringify(value) !== JSON.stringify(usual)

/** Right after a mode, `--via` would be that mode's own, and a reader looks for these first. */
const FIRST = ['via', 'mode']

const rank = ({ name }: Option) => (FIRST.indexOf(name) + FIRST.length + 1) % (FIRST.length + 1)

/** A list is set one value after the other. */
export function flagsOf(changed: readonly Option[]): string[] {
  return changed
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap(({ name, value }) => {
      const values = Array.isArray(value) ? value : [value ?? '']
      if (FIRST.includes(name)) return values.map((one) => `--${name} ${quoted(String(one))}`)
      return (values.length > 0 ? values : ['']).map((one) => `--set ${quoted(`${name}=${one}`)}`)
    })
}

/** The options that are not as they come, without secrets. */
export const changedOptions = computed(() =>
  [...options.value.values()].filter((option) => isChanged(option) && !option.secret),
)

/** A midwire that is set up as this one is. */
export const commandLine = computed(() => ['midwire web', ...flagsOf(changedOptions.value)].join(' '))

/** The same as one of the page's requests, for what no option sets. The token is left to the shell. */
export function curlLine(method: string, path: string, body?: unknown): string {
  return [
    `curl -X ${method}`,
    quoted(`${location.origin}/api${path}`),
    '-H "Authorization: Bearer $MIDWIRE_TOKEN"',
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `--data-raw ${quoted(JSON.stringify(body))}`]),
  ].join(' ')
}
