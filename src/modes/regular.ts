// `regular`: an HTTP proxy that clients are told about.
import { isIPv6, type Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { listenTcp, socketPipe } from '../transports/socket.js'
import { listenAddress, suggesting } from './listen.js'
import type { Arrival, Listener, Mode, ModeContext, ModeSpec, RunningMode } from './mode.js'

export const regular: Mode = {
  name: 'regular',
  description: 'HTTP proxy, for clients that are told to use one',
  defaultPort: 8080,
  // Whoever wants others to use it has to say so (promise 43).
  defaultHost: '127.0.0.1',
  transport: 'tcp',
  layer: 'explicit',
  async start(spec, context) {
    const address = listenAddress(spec, regular, context.options)
    const hosts = address.host === '' ? ['::', '0.0.0.0'] : [address.host]
    const running = new RunningRegular(spec)
    try {
      await running.listen(hosts, address.port, context)
    } catch (error) {
      throw suggesting(error, spec, regular, address, context.specs)
    }
    return running
  },
}

class RunningRegular implements RunningMode {
  readonly mode = regular
  readonly spec: ModeSpec
  listeners: readonly Listener[] = []
  close: () => Promise<void> = async () => {}

  constructor(spec: ModeSpec) {
    this.spec = spec
  }

  /** On the first of the hosts that this machine has. */
  async listen([host = '', ...rest]: string[], port: number, context: ModeContext): Promise<void> {
    const arrived = (socket: Socket) => context.arrived(this, arrival(socket))
    try {
      const listener = await listenTcp({ host, port }, arrived)
      this.listeners = [{ host: listener.host, port: listener.port, transport: 'tcp' }]
      // No new connections from here on. When the last of the old ones ends is not waited for.
      this.close = async () => void listener.close().catch(() => {})
    } catch (error) {
      const noSuchFamily = error instanceof MidwireError ? error.code === 'ERR_ADDRESS_NOT_AVAILABLE' : isFamily(error)
      if (!noSuchFamily || rest.length === 0) throw error
      await this.listen(rest, port, context)
    }
  }
}

const isFamily = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT'

function arrival(socket: Socket): Arrival {
  return {
    transport: 'tcp',
    source: address(socket.remoteAddress, socket.remotePort),
    destination: address(socket.localAddress, socket.localPort),
    peer: undefined,
    virtualResolver: false,
    accept: () => socketPipe(socket),
    // The handshake was the operating system's: all that is left to say is RST.
    refuse: () => {
      socket.resetAndDestroy()
    },
  }
}

function address(text = '', port = 0): Address {
  // On :: IPv4 clients have mapped addresses (RFC 4291, 2.5.5.2).
  const plain = text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text
  return { address: plain, port, family: isIPv6(plain) ? 6 : 4 }
}
