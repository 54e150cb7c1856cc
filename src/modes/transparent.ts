// `transparent`: the firewall turns the packets of devices and programs to midwire, and they name their server themselves.
import type { Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { mayMark, TRANSPARENT_MARK } from '../transports/descriptor.js'
import { findOriginalOn } from '../transports/original.js'
import { socketEnds } from '../transports/socket.js'
import { entranceByName, entranceTo, startListener, type Turned, type Turning } from './listener.js'
import type { Mode, ModeSpec } from './mode.js'
import { quotedSpec } from './quoted.js'
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
  keepsSource: isTproxy,
  async start(spec, context) {
    if (isTproxy(spec)) return startTproxy(spec, transparent, context)
    const find = findOriginalOn(process.platform)
    const turning: Turning = {
      turned(socket, port) {
        try {
          const found = find(socket, port)
          if (!(found instanceof Promise)) return turnedTo(found, socket, spec)
          return found.then((address) => turnedTo(address, socket, spec)).catch(failed)
        } catch (error) {
          return failed(error)
        }
      },
      // A user without rights is known to the rules by the uid (`up --uid`).
      mark: mayMark() ? TRANSPARENT_MARK : undefined,
    }
    const failed = (error: unknown) => {
      context.log('error', (error as Error).message)
      return undefined
    }
    return startListener(spec, transparent, context, { layer: 'reach' }, turning)
  },
}

/** `found`: where the client wanted to go; undefined where nothing has turned its connection. */
function turnedTo(found: Address | undefined, socket: Socket, spec: ModeSpec): Turned | undefined {
  if (found) return { entrance: entranceTo(found, 'tcp', spec), destination: found }
  const { local } = socketEnds(socket)
  return local && { entrance: entranceByName(local, spec), destination: local }
}

function isTproxy({ text, data }: ModeSpec): boolean {
  if (data === undefined || data === 'tproxy') return data !== undefined
  throw new MidwireError('ERR_MODE', `${quotedSpec(text)}: after transparent: stands tproxy, or nothing`)
}
