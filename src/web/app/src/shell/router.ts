// The address of the page is its state: what is shown is read from it, so that back, reload and a shared link work.
import { computed, signal } from '@preact/signals'

const here = signal(location.pathname + location.search)

addEventListener('popstate', () => {
  here.value = location.pathname + location.search
})

/** The parts of the path: `/flows/abc/timing` is `['flows', 'abc', 'timing']`. */
export const parts = computed(() =>
  (here.value.split('?')[0] ?? '')
    .split('/')
    .filter((part) => part !== '')
    .map(decoded),
)

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Goes to an address within the page. `replace`: the one that is shown now is not to come back. */
export function go(to: string, replace = false): void {
  if (to === here.value) return
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  here.value = to
}

// A click on a link within the page is followed here; one that opens a window, a download or another site is the browser's.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
  const link = (event.target as Element).closest('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (link.pathname.startsWith('/api/')) return
  event.preventDefault()
  go(link.pathname + link.search)
})

export const query = computed(() => new URLSearchParams(here.value.split('?')[1] ?? ''))

type Values = Readonly<Record<string, string>>

/** Sets values of the address's query; the empty text removes one. */
export const setQuery = (values: Values): void => go(withQuery(location.pathname, values), true)

/** To another path with the same query, which holds filters and views, but for these values. */
export function withQuery(to: string, values: Values = {}): string {
  const next = new URLSearchParams(query.value)
  for (const [name, value] of Object.entries(values)) {
    if (value === '') next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return to + (text && `?${text}`)
}

/** `path('flows', id)` is `/flows/…`. */
export const path = (...names: string[]) => `/${names.map(encodeURIComponent).join('/')}`
