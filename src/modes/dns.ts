// `dns`: a DNS server, over UDP and TCP, with midwire's own resolver.
import { MidwireError } from '../errors.js'
import type { Entrance } from '../layers/entrance.js'
import { startListener } from './listener.js'
import type { Mode } from './mode.js'
import { quotedSpec } from './quoted.js'

const TO_THE_RESOLVER: Entrance = { layer: 'accept', ownResolver: true, target: { tls: false, protocol: 'dns' } }

export const dns: Mode = {
  name: 'dns',
  description: 'DNS server; it asks the name servers of this machine',
  defaultPort: 53,
  defaultHost: '127.0.0.1',
  transports: ['tcp', 'udp'],
  parse({ text, via }) {
    if (!via) return {}
    throw new MidwireError('ERR_MODE', `${quotedSpec(text)}: dns asks name servers itself, and by no proxy`)
  },
  start: (spec, context) => startListener(spec, dns, context, TO_THE_RESOLVER),
}
