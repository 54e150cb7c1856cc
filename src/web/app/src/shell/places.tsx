// The places of the page in the order of the navigation: the address, the key and the sign of each.
import type { ComponentType } from 'preact'
import { FlowsPage } from '../flows/page.js'
import { later } from './later.js'

type Others = typeof import('./other-places.js')

const others: { fetch(): void }[] = []

/** A place whose script comes later. */
const other = (name: keyof Others) => {
  const Page = later(
    async () => (await import('./other-places.js'))[name],
    ({ children }) => <div aria-busy={children === undefined}>{children}</div>,
  )
  others.push(Page)
  return Page
}
/** Fetches the script of all places that have not been shown yet. */
export function fetchPlaces(): void {
  for (const { fetch } of others) fetch()
}

export interface Place {
  readonly name: string
  readonly title: string
  /** The key that leads there. */
  readonly key: string
  /** The lines of a sign in a square of 24. */
  readonly sign: string
  readonly Page: ComponentType
}

export const places: readonly Place[] = [
  {
    name: 'flows',
    Page: FlowsPage,
    title: 'Flows',
    key: '1',
    sign: 'M4 6h16M4 12h16M4 18h10',
  },
  {
    name: 'devices',
    Page: other('DevicesPage'),
    title: 'Devices',
    key: '2',
    sign: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  },
  {
    name: 'setup',
    Page: other('SetupPage'),
    title: 'Set-up',
    key: '3',
    sign: 'M4 8h10M18 8h2M4 16h2M10 16h10M16 6v4M8 14v4',
  },
  {
    name: 'rules',
    Page: other('RulesPage'),
    title: 'Rules',
    key: '4',
    sign: 'M4 7h9M4 17h9M17 4l3 3-3 3M20 7h-3M17 14l3 3-3 3M20 17h-3',
  },
  {
    name: 'options',
    Page: other('OptionsPage'),
    title: 'Options',
    key: '5',
    sign: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M6 6l2 2M16 16l2 2M18 6l-2 2M8 16l-2 2',
  },
  {
    name: 'log',
    Page: other('LogPage'),
    title: 'Log',
    key: '6',
    sign: 'M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3',
  },
]
