// The list of modes.
import type { Mode } from './mode.js'
import { regular } from './regular.js'
import { wireguard } from './wireguard.js'

export const MODES: readonly Mode[] = [wireguard, regular]
