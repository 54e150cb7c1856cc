// Listens for a mode on sockets of the system: TCP, UDP or both on one port, with the entrance that clients of each have.
import type { Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import type { Entrance } from '../layers/entrance.js'
import type { DatagramFlow } from '../transports/datagram-flow.js'
import { listenForConnections, listenTcp, socketEnds, socketPipe } from '../transports/socket.js'
import type { Transport } from '../transports/transport.js'
import { listenUdp } from '../transports/udp-server.js'
import { defaultsOf, listenAddress, listenError } from './listen.js'
import type { Arrival, Listener, Mode, ModeContext, ModeSpec, RunningMode } from './mode.js'

interface Bound {
  readonly host: string
  readonly port: number
  /** As in `Listener`. */
  readonly dropped?: number
  close(): Promise<void>
}

/** Binds a port of a host, and hands over what comes. */
type Bind = (at: { host: string; port: number }) => Promise<Bound>

/** How a client came in at a port that the firewall turns connections to, and where it wanted to go. */
export interface Turned {
  readonly entrance: Entrance
  readonly destination: Address
}

/** How clients of a port are taken in that the firewall turns connections to. */
export interface Turning {
  /** `port` is the listener's. Undefined for a client that is refused. Never throws or rejects. */
  turned(socket: Socket, port: number): Turned | undefined | Promise<Turned | undefined>
  /** `RunningMode.mark`. */
  readonly mark: number | undefined
}

/**
 * Starts to listen on the address of a spec, in all its transports. `turning` says of each TCP connection what its entrance is; else all
 * clients have the one that is given. Throws a MidwireError.
 */
export async function startListener(
  spec: ModeSpec,
  mode: Mode,
  context: ModeContext,
  entrance: Entrance,
  turning?: Turning,
): Promise<RunningMode> {
  const address = listenAddress(spec, mode, context.options)
  const running = new RunningListener(spec, mode, context, { ...entrance, via: spec.via ?? entrance.via }, turning)
  try {
    for (const transport of defaultsOf(spec, mode).transports) await running.listen(transport, address)
  } catch (error) {
    await running.close()
    throw listenError(error, spec, mode, address, context.specs)
  }
  return running
}

class RunningListener implements RunningMode {
  readonly spec: ModeSpec
  readonly mode: Mode
  readonly listeners: Listener[] = []
  readonly #context: ModeContext
  readonly #entrance: Entrance
  readonly #turning: Turning | undefined
  readonly #closers: (() => Promise<void>)[] = []

  constructor(spec: ModeSpec, mode: Mode, context: ModeContext, entrance: Entrance, turning: Turning | undefined) {
    this.#turning = turning
    this.spec = spec
    this.mode = mode
    this.#context = context
    this.#entrance = entrance
  }

  get via(): Entrance['via'] {
    return this.#entrance.via
  }

  get mark(): number | undefined {
    return this.#turning?.mark
  }

  /** Listens on the first of the hosts that this machine has. Port 0 becomes the port of the listener before, where that is free. */
  async listen(transport: 'tcp' | 'udp', { host, port }: { host: string; port: number }): Promise<void> {
    const bind = transport === 'tcp' ? this.#bindTcp : this.#bindUdp
    const hosts = host === '' ? ['::', '0.0.0.0'] : [host]
    const [before] = this.listeners
    if (port === 0 && before) {
      try {
        await this.#bindFirst(transport, bind, hosts, before.port)
        return
      } catch (error) {
        if (!(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_IN_USE') throw error
      }
    }
    await this.#bindFirst(transport, bind, hosts, port)
  }

  async #bindFirst(transport: 'tcp' | 'udp', bind: Bind, [host = '', ...rest]: string[], port: number): Promise<void> {
    try {
      const bound = await bind({ host, port })
      const { host: address, port: own } = bound
      this.listeners.push({
        ...{ host: address, port: own, transport },
        get dropped() {
          return bound.dropped
        },
      })
      // The listener accepts no more connections. close() does not wait for those that are still open.
      this.#closers.push(async () => void bound.close().catch(() => {}))
    } catch (error) {
      const noSuchFamily =
        error instanceof MidwireError ? error.code === 'ERR_ADDRESS_NOT_AVAILABLE' : isFamilyError(error)
      if (!noSuchFamily || rest.length === 0) throw error
      await this.#bindFirst(transport, bind, rest, port)
    }
  }

  readonly #bindTcp: Bind = async (at) => {
    const turning = this.#turning
    if (!turning) {
      return listenForConnections(at, (transport) => {
        this.#context.arrived(this, connectionArrival(transport, this.#entranceOf('tcp')))
      })
    }
    // The system is asked about the descriptor of Node's socket.
    const listener = await listenTcp(at, (socket) => {
      const turned = turning.turned(socket, listener.port)
      // Nobody reads the socket meanwhile: what the client sends waits in its buffer.
      if (turned instanceof Promise) void turned.then((found) => this.#handleTurned(socket, found))
      else this.#handleTurned(socket, turned)
    })
    return listener
  }

  #handleTurned(socket: Socket, turned: Turned | undefined): void {
    // The client may have left while its destination was looked up.
    if (socket.destroyed) return
    if (turned) this.#context.arrived(this, socketArrival(socket, turned.entrance, turned.destination))
    else socket.resetAndDestroy()
  }

  readonly #bindUdp: Bind = (at) =>
    listenUdp(at, (flow) => this.#context.arrived(this, datagramArrival(flow, this.#entranceOf('udp'))))

  /** The transport of the destination is the client's. */
  #entranceOf(transport: 'tcp' | 'udp'): Entrance {
    const { destination } = this.#entrance
    return destination ? { ...this.#entrance, destination: { ...destination, transport } } : this.#entrance
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()))
  }
}

const isFamilyError = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT'

/** Stands for the addresses of a socket that was closed before they could be read. */
const NOWHERE: Address = { address: '', port: 0, family: 4 }

function connectionArrival(transport: Transport, entrance: Entrance): Arrival {
  return {
    transport: 'tcp',
    source: transport.remote ?? NOWHERE,
    destination: transport.local ?? NOWHERE,
    peer: undefined,
    entrance,
    accept: () => transport,
    // The operating system has answered the SYN already, so RST is the only refusal that is left.
    refuse: () => transport.reset(),
  }
}

/** `destination`: where the client wanted to go, where that is not our end of the socket. */
export function socketArrival(socket: Socket, entrance: Entrance, destination?: Address): Arrival {
  const { local = NOWHERE, remote = NOWHERE } = socketEnds(socket)
  return {
    transport: 'tcp',
    source: remote,
    destination: destination ?? local,
    peer: undefined,
    entrance,
    accept: () => socketPipe(socket),
    // The operating system has answered the SYN already, so RST is the only refusal that is left.
    refuse: () => {
      socket.resetAndDestroy()
    },
  }
}

export function datagramArrival(flow: DatagramFlow, entrance: Entrance): Arrival {
  return {
    transport: 'udp',
    source: flow.remote,
    destination: flow.local,
    peer: undefined,
    entrance,
    accept: () => flow,
    // A program cannot send port unreachable from a socket that is open for others.
    refuse: () => flow.close(),
  }
}

/** The entrance of a client of a transparent proxy that nothing has turned: it has come to our own end of the socket. */
export const entranceByName = ({ address, port }: Address, { via }: ModeSpec): Entrance => ({
  layer: 'by-name',
  destination: { host: address, port, transport: 'tcp' },
  ...(via && { via }),
})

/** The entrance of a client whose packets name the server. */
export const entranceTo = ({ address, port }: Address, transport: 'tcp' | 'udp', { via }: ModeSpec): Entrance => ({
  layer: 'reach',
  destination: { host: address, port, transport },
  ...(via && { via }),
})
