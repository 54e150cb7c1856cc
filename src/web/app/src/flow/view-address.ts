// How content is shown stands in the address: `?response=hex`; what is shown as it is at first is left out.
import { query, setQuery } from '../shell/router.js'

/** The places in a flow whose view can be chosen. */
export type Shown = 'request' | 'response' | 'message' | 'raw'

const SHOWN: readonly Shown[] = ['request', 'response', 'message', 'raw']

/** `usual` is the view where the address names none. */
export const viewOf = (shown: Shown, usual: string): string => query.value.get(shown) ?? usual

export const setView = (shown: Shown, view: string, usual: string): void =>
  setQuery({ [shown]: view === usual ? '' : view })

/** The query without views: the flow is closed. */
export const NO_VIEWS: Readonly<Record<string, string>> = Object.fromEntries(SHOWN.map((name) => [name, '']))
