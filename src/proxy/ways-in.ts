// The ways by which clients come into a proxy: its modes, the clients of its tunnels, and what is known of clients; seen and changed while it runs.
import { MidwireError } from '../errors.js'
import { parseSpec } from '../modes/spec.js'
import type { ClientTrust, ListenerInfo, ModeState, PassedThrough, PeerInfo } from './api.js'
import type { Connections } from './connections.js'
import { Editing } from './editing.js'
import { DEFAULT_MODES, type RunningModes } from './running-modes.js'

export abstract class WaysIn extends Editing {
  /** @internal */
  protected abstract readonly runningModes: RunningModes
  /** @internal */
  protected abstract readonly connections: Connections
  /** The errors of the last change of the list of modes, once it is done; `again`: those that have failed are tried again. @internal */
  protected abstract modesChanged(again?: boolean): Promise<Error[]>

  /** The addresses that the modes listen on. */
  get listeners(): readonly ListenerInfo[] {
    return this.runningModes.all.flatMap(listenersOf)
  }

  /** The modes of option `mode`, in its order: where they listen, or why they do not. */
  get modes(): readonly ModeState[] {
    return this.runningModes.states().map(({ spec, running, failure }) => ({
      spec: spec.shown,
      name: spec.name,
      state: failure ? 'failed' : running ? 'running' : 'starting',
      error: failure?.message,
      listeners: running ? listenersOf(running) : [],
    }))
  }

  /**
   * Changes the list of modes, as option `mode` does. Modes that are in both lists go on with their connections; those that are new
   * listen when the promise is fulfilled. Throws ERR_MODE for specs that are wrong, and nothing is changed then; the error of listening
   * where a mode cannot, and all others have been started then.
   */
  async setModes(modes: readonly string[]): Promise<void> {
    this.options.set({ mode: [...modes] })
    const [failure] = await this.modesChanged()
    if (failure) throw failure
  }

  /** Adds a mode to the list. One that is in the list and has failed is tried again. Throws ERR_MODE, and the error of listening where it cannot. */
  async addMode(spec: string): Promise<void> {
    const failure = () => this.runningModes.states().find((state) => state.failure && state.spec.text === spec)?.failure
    const again = failure() !== undefined
    if (!again) this.options.set({ mode: [...this.#modeList, spec] })
    await this.modesChanged(again)
    const failed = failure()
    if (failed) throw failed
  }

  /**
   * Takes a mode from the list, by its spec as it was given, or as `modes` shows it. Fulfilled with false where there is no such mode. Throws ERR_MODE for the last
   * one: a proxy without a mode is one that was started with option `server` off.
   */
  async removeMode(spec: string): Promise<boolean> {
    const list = [...this.#modeList]
    const at = list.findIndex((one) => one === spec || parseSpec(one).shown === spec)
    if (at === -1) return false
    if (list.length === 1) throw new MidwireError('ERR_MODE', `${spec} is the last mode: add another one first`)
    list.splice(at, 1)
    this.options.set({ mode: list })
    // A mode that cannot listen was told of before, and is none of this one's.
    await this.modesChanged()
    return true
  }

  /** The endpoints that clients of tunnels can dial, `host:port`, the best of each tunnel first. */
  get endpoints(): readonly string[] {
    return this.runningModes.all.flatMap(({ endpoints = [] }) => endpoints)
  }

  /** The clients of tunnels. */
  get peers(): readonly PeerInfo[] {
    return this.runningModes.all.flatMap(({ spec, peers = [], endpoints = [] }) =>
      peers.map((peer) => ({
        ...{ spec: spec.shown, ...peer, endpoints },
        trusts: this.connections.trust.of(peer.publicKey),
      })),
    )
  }

  /**
   * Adds a client to a tunnel and to its key file: with a new key pair, or with `publicKey` for a client that keeps its private key to itself. It is let in when
   * the promise is fulfilled. `spec`: the mode, where there are several tunnels; default: the first. Throws ERR_WIREGUARD_CONF, also for a name or key
   * that is taken, and ERR_ARGUMENT where there is no such tunnel.
   */
  async addPeer(name: string, options: { publicKey?: string; spec?: string } = {}): Promise<PeerInfo> {
    const { publicKey, spec } = options
    await this.#tunnel(spec).addPeer(name, publicKey)
    const added = this.peers.find((peer) => peer.name === name && (spec === undefined || peer.spec === spec))
    if (!added) throw new MidwireError('ERR_WIREGUARD_CONF', `the peer ${name} was removed at once by another process`)
    return added
  }

  /** Shuts a client out of a tunnel, and removes it from the key file with its keys. Throws ERR_WIREGUARD_CONF for an unknown name, and ERR_ARGUMENT. */
  async removePeer(name: string, options: { spec?: string } = {}): Promise<void> {
    await this.#tunnel(options.spec).removePeer(name)
  }

  /** The clients that were seen to trust our certificate, or to refuse it: 1,000 at most, those that were seen last. */
  get trust(): readonly ClientTrust[] {
    return this.connections.trust.list()
  }

  /**
   * Makes an address midwire's own: whoever wants to go there through the proxy or a tunnel is refused, in every spelling of the address. `host` is an IP
   * address; `0.0.0.0` and `::` are all addresses of this machine. The returned function takes it back.
   */
  protect({ host, port }: { readonly host: string; readonly port: number }): () => void {
    const listener = { host, port, transport: 'tcp' } as const
    this.connections.ownAddresses.add(listener)
    return () => void this.connections.ownAddresses.delete(listener)
  }

  /** The clients that pass undecrypted, each to the name that it has refused our certificate for (option `tls_fail_open`). */
  get passedThrough(): readonly PassedThrough[] {
    return this.connections.failOpen.list()
  }

  /** Forgets them: the next connection of each is decrypted again. */
  clearPassedThrough(): void {
    this.connections.failOpen.clear()
  }

  get #modeList(): readonly string[] {
    const { mode } = this.options.snapshot
    return mode.length > 0 ? mode : DEFAULT_MODES
  }

  #tunnel(spec: string | undefined) {
    const { all } = this.runningModes
    const found = all.find((mode) => mode.keyFile && (spec === undefined || mode.spec.shown === spec))
    if (found?.keyFile) return found.keyFile
    throw new MidwireError(
      'ERR_ARGUMENT',
      spec === undefined ? 'no WireGuard mode runs' : `no WireGuard mode ${spec} runs`,
    )
  }
}

const listenersOf = ({ spec, listeners }: RunningModes['all'][number]): ListenerInfo[] =>
  listeners.map((listener) => ({ spec: spec.shown, mode: spec.name, ...listener }))
