// `socks5`: a SOCKS proxy. It takes HTTP proxy clients as well: the first bytes tell.
import { TO_A_PROXY } from '../layers/entrance.js'
import { startListener } from './listener.js'
import type { Mode } from './mode.js'

export const socks5: Mode = {
  name: 'socks5',
  description: 'SOCKS5 (UDP, too), SOCKS4a and HTTP proxy; clients may leave names to it',
  defaultPort: 1080,
  defaultHost: '127.0.0.1',
  transports: ['tcp'],
  start: (spec, context) => startListener(spec, socks5, context, TO_A_PROXY),
}
