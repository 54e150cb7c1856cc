// The filter of an option: which flows an addon takes.
import { parseFilter } from '../flow/filter.js'
import type { AnyFlow } from '../flow/index.js'

/** Without a filter all flows are taken. Throws ERR_FILTER. */
export const accepting = (filter: string | undefined): ((flow: AnyFlow) => boolean) =>
  filter ? parseFilter(filter) : () => true
