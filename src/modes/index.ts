// The list of modes.
import { dns } from './dns.js'
import type { Mode } from './mode.js'
import { regular } from './regular.js'
import { reverse } from './reverse.js'
import { socks5 } from './socks5.js'
import { transparent } from './transparent.js'
import { upstream } from './upstream.js'
import { wireguard } from './wireguard.js'

export const MODES: readonly Mode[] = [wireguard, regular, socks5, upstream, reverse, transparent, dns]
