// `transparent`: the firewall turns the packets of devices and programs to midwire, and they name their server themselves. Linux.
import type { Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { originalDestination } from '../transports/descriptor.js'
import { socketEnds } from '../transports/socket.js'
import { entranceTo, startListener, type Turned } from './listener.js'
import type { Mode, ModeContext, ModeSpec } from './mode.js'
import { startTproxy } from './tproxy.js'

export const transparent: Mode = {
  name: 'transparent',
  description: 'takes what the firewall redirects: see midwire help transparent',
  defaultPort: 8080,
  // The firewall turns a packet to the address of the interface that it came by. A client that comes by itself is refused.
  defaultHost: '',
  transports: ['tcp', 'udp'],
  data: { placeholder: 'tproxy', help: 'for rules of up --tproxy, TCP and UDP; else TCP alone' },
  parse: (spec) => ({ transports: isTproxy(spec) ? ['tcp', 'udp'] : ['tcp'] }),
  start(spec, context) {
    if (isTproxy(spec)) return startTproxy(spec, transparent, context)
    return startListener(spec, transparent, context, { layer: 'reach' }, turnedFor(spec, context))
  },
}

function isTproxy({ text, data }: ModeSpec): boolean {
  if (data === undefined || data === 'tproxy') return data !== undefined
  throw new MidwireError('ERR_MODE', `${JSON.stringify(text)}: after transparent: stands tproxy, or nothing`)
}

function turnedFor(spec: ModeSpec, context: ModeContext): Turned {
  return (socket) => {
    const destination = destinationOf(socket, context)
    return destination && { entrance: entranceTo(destination, 'tcp', spec), destination }
  }
}

/** Where a connection was to go before the firewall turned it; undefined, and said, where nothing has turned it. */
function destinationOf(socket: Socket, { log }: ModeContext): Address | undefined {
  const { local, remote } = socketEnds(socket)
  let found: Address | undefined
  try {
    found = originalDestination(socket)
  } catch (error) {
    log('error', (error as Error).message)
    return undefined
  }
  const isOurs = found && found.address === local?.address && found.port === local.port
  if (found && !isOurs) return found
  log(
    'warn',
    `${remote?.address}: this connection has no original destination: was it redirected? (midwire transparent up)`,
  )
  return undefined
}
