// `regular`: a proxy, for clients that are configured to use one: HTTP, HTTP in TLS, or SOCKS, told apart by their first bytes.
import { TO_A_PROXY } from '../layers/entrance.js'
import { startListener } from './listener.js'
import type { Mode } from './mode.js'

export const regular: Mode = {
  name: 'regular',
  description: 'HTTP and SOCKS proxy, for clients that are told to use one',
  defaultPort: 8080,
  // Other machines can use the proxy only where the user gives an address for them (promise 43).
  defaultHost: '127.0.0.1',
  transports: ['tcp'],
  start: (spec, context) => startListener(spec, regular, context, TO_A_PROXY),
}
