// Listens for what TPROXY brings, TCP connections and datagrams of both families, for the mode `transparent`.
import type { Address } from '../connection.js'
import type { Entrance } from '../layers/entrance.js'
import { DatagramFlows, type FlowDatagram, MAX_SOCKET_FLOWS } from '../transports/datagram-flow.js'
import { TRANSPARENT_MARK } from '../transports/descriptor.js'
import { socketEnds } from '../transports/socket.js'
import { listenTransparentTcp, listenTransparentUdp, type TransparentUdpListener } from '../transports/tproxy.js'
import { listenAddress, listenError } from './listen.js'
import { datagramArrival, entranceByName, entranceTo, socketArrival } from './listener.js'
import type { Listener, Mode, ModeContext, ModeSpec, RunningMode } from './mode.js'

/** Listens; throws a MidwireError, among them ERR_ROOT. */
export async function startTproxy(spec: ModeSpec, mode: Mode, context: ModeContext): Promise<RunningMode> {
  const address = listenAddress(spec, mode, context.options)
  const running = new RunningTproxy(spec, mode, context)
  try {
    // A listener of one family hears nothing of the other.
    const hosts = address.host === '' ? ['0.0.0.0', '::'] : [address.host]
    for (const host of hosts) await running.listen(host, address.port)
  } catch (error) {
    await running.close()
    throw listenError(error, spec, mode, address, context.specs)
  }
  return running
}

class RunningTproxy implements RunningMode {
  readonly spec: ModeSpec
  readonly mode: Mode
  readonly listeners: Listener[] = []
  readonly mark = TRANSPARENT_MARK
  readonly #context: ModeContext
  readonly #closers: (() => unknown)[] = []

  constructor(spec: ModeSpec, mode: Mode, context: ModeContext) {
    this.spec = spec
    this.mode = mode
    this.#context = context
  }

  async listen(host: string, port: number): Promise<void> {
    const at = { host, port: port || (this.listeners[0]?.port ?? 0), mark: this.mark }
    const tcp = await listenTransparentTcp(at, (socket) => {
      const { local, remote } = socketEnds(socket)
      if (!local || !remote) return void socket.destroy()
      // The rules bring packets of other destinations alone: a client of this port has come by itself.
      const isOurs = local.port === tcp.port
      const entrance = isOurs ? entranceByName(local, this.spec) : this.#entranceOf(remote, local, 'tcp')
      this.#context.arrived(this, socketArrival(socket, entrance))
    })
    this.#closers.push(() => tcp.close().catch(() => {}))
    this.listeners.push({ host, port: tcp.port, transport: 'tcp' })
    const flows = new DatagramFlows(
      (flow) => this.#context.arrived(this, datagramArrival(flow, this.#entranceOf(flow.remote, flow.local, 'udp'))),
      MAX_SOCKET_FLOWS,
    )
    const udp = listenTransparentUdp({ ...at, port: tcp.port }, (source, destination, data) => {
      flows.handleDatagram(new TurnedDatagram(udp, source, destination, data))
    })
    udp.closed.then(
      () => flows.handleGone(),
      (error) => {
        this.#context.log('error', (error as Error).message)
        flows.handleGone(error)
      },
    )
    this.#closers.push(() => udp.close())
    this.listeners.push({ host, port: udp.port, transport: 'udp' })
  }

  #entranceOf(client: Address, server: Address, transport: 'tcp' | 'udp'): Entrance {
    return { ...entranceTo(server, transport, this.spec), source: { address: client.address, isForeign: true } }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) void close()
  }
}

class TurnedDatagram implements FlowDatagram {
  readonly flow: string
  readonly source: Address
  readonly destination: Address
  readonly peer = undefined
  readonly data: Buffer
  readonly #listener: TransparentUdpListener

  constructor(listener: TransparentUdpListener, source: Address, destination: Address, data: Buffer) {
    this.flow = `${source.address} ${source.port} ${destination.address} ${destination.port}`
    this.source = source
    this.destination = destination
    this.data = data
    this.#listener = listener
  }

  reply(data: Uint8Array): void {
    this.#listener.send(data, this.destination, this.source)
  }

  bare(): TurnedDatagram {
    return new TurnedDatagram(this.#listener, this.source, this.destination, Buffer.alloc(0))
  }

  /** The kernel alone could send port unreachable from an address of others. */
  refuse(): void {}
}
