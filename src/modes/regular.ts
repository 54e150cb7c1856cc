// `regular`: an HTTP proxy, for clients that are configured to use one.
import type { Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { TO_A_PROXY } from '../layers/entrance.js'
import { listenTcp, socketEnds, socketPipe } from '../transports/socket.js'
import { listenAddress, listenError } from './listen.js'
import type { Arrival, Listener, Mode, ModeContext, ModeSpec, RunningMode } from './mode.js'

export const regular: Mode = {
  name: 'regular',
  description: 'HTTP proxy, for clients that are told to use one',
  defaultPort: 8080,
  // Other machines can use the proxy only where the user gives an address for them (promise 43).
  defaultHost: '127.0.0.1',
  transport: 'tcp',
  async start(spec, context) {
    const address = listenAddress(spec, regular, context.options)
    const hosts = address.host === '' ? ['::', '0.0.0.0'] : [address.host]
    const running = new RunningRegular(spec)
    try {
      await running.listen(hosts, address.port, context)
    } catch (error) {
      throw listenError(error, spec, regular, address, context.specs)
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

  /** Listens on the first of the hosts that this machine has. */
  async listen([host = '', ...rest]: string[], port: number, context: ModeContext): Promise<void> {
    const arrived = (socket: Socket) => context.arrived(this, arrival(socket))
    try {
      const listener = await listenTcp({ host, port }, arrived)
      this.listeners = [{ host: listener.host, port: listener.port, transport: 'tcp' }]
      // The listener accepts no more connections. close() does not wait for those that are still open.
      this.close = async () => void listener.close().catch(() => {})
    } catch (error) {
      const noSuchFamily =
        error instanceof MidwireError ? error.code === 'ERR_ADDRESS_NOT_AVAILABLE' : isFamilyError(error)
      if (!noSuchFamily || rest.length === 0) throw error
      await this.listen(rest, port, context)
    }
  }
}

const isFamilyError = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT'

/** Stands for the addresses of a socket that was closed before they could be read. */
const NOWHERE: Address = { address: '', port: 0, family: 4 }

function arrival(socket: Socket): Arrival {
  const { local = NOWHERE, remote = NOWHERE } = socketEnds(socket)
  return {
    transport: 'tcp',
    source: remote,
    destination: local,
    peer: undefined,
    entrance: TO_A_PROXY,
    accept: () => socketPipe(socket),
    // The operating system has answered the SYN already, so RST is the only refusal that is left.
    refuse: () => {
      socket.resetAndDestroy()
    },
  }
}
