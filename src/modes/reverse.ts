// `reverse:[scheme://]host[:port]`: midwire stands where a server was, and every client is led to that one server.
import { MidwireError } from '../errors.js'
import { DIRECT, proxiesOf } from '../flow/via.js'
import type { Entrance, Target } from '../layers/entrance.js'
import { obstacleTo } from '../layers/open.js'
import { startListener } from './listener.js'
import type { ListenDefaults, Mode, ModeSpec } from './mode.js'
import { quotedSpec } from './quoted.js'
import { parseServer, type ServerSpec } from './server-spec.js'

/** The port of each scheme; undefined where it has to be written. */
const PORTS = { http: 80, https: 443, tcp: undefined, tls: undefined, udp: undefined, dns: 53 } as const

/** Schemes of mitmproxy's that are still to come. */
const LATER = ['http3', 'quic', 'dtls']

type Scheme = keyof typeof PORTS

/** For each scheme the protocol that is spoken with the server, and where midwire listens (features 4.3). */
const SCHEMES: Record<Scheme, Target & Partial<ListenDefaults>> = {
  http: { tls: false, protocol: 'http1' },
  https: { tls: true, protocol: 'http1' },
  tcp: { tls: false, protocol: 'raw' },
  tls: { tls: true, protocol: 'raw' },
  udp: { tls: false, protocol: 'raw', transports: ['udp'] },
  dns: { tls: false, protocol: 'dns', transports: ['tcp', 'udp'], defaultPort: 53 },
}

export const reverse: Mode = {
  name: 'reverse',
  description: 'stands in for one server',
  defaultPort: 8080,
  defaultHost: '127.0.0.1',
  transports: ['tcp', 'udp'],
  data: {
    placeholder: 'SERVER',
    help: '[scheme://]host[:port]; http, https (default), tcp, tls, udp or dns (port 53)',
  },
  parse(spec) {
    const { transports = ['tcp'], defaultPort = 8080 } = SCHEMES[serverOf(spec).scheme]
    const obstacle = transports.includes('tcp') ? undefined : obstacleTo(proxiesOf(spec.via ?? DIRECT))
    if (obstacle) {
      throw new MidwireError('ERR_MODE', `${quotedSpec(spec.text)}: datagrams cannot pass through ${obstacle}`)
    }
    return { transports, defaultPort }
  },
  start(spec, context) {
    return startListener(spec, reverse, context, entranceTo(serverOf(spec)))
  },
}

function serverOf({ text, data }: ModeSpec): ServerSpec<Scheme> {
  const refuse = (why: string) => new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${why}`)
  if (data === undefined) throw refuse('reverse wants the server after a colon, as in reverse:https://example.com')
  const later = LATER.find((scheme) => data.toLowerCase().startsWith(`${scheme}://`))
  if (later) throw refuse(`${later} is not there yet; the schemes are ${Object.keys(PORTS).join(', ')}`)
  return parseServer(text, data, 'https', PORTS)
}

function entranceTo({ scheme, host, port }: ServerSpec<Scheme>): Entrance {
  const { tls, protocol } = SCHEMES[scheme]
  return {
    // A raw connection is refused where the server refuses it. Other clients are told why, and TLS waits for the client's ClientHello.
    layer: scheme === 'tcp' ? 'reach' : 'accept',
    destination: { host, port, transport: 'tcp' },
    target: { tls, protocol },
  }
}
