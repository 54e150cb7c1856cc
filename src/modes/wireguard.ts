// `wireguard`: a WireGuard server. It takes in every connection of its clients, to any address.
import { unwatchFile, watchFile } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { endpoints } from '../transports/client-config.js'
import type { PeerStatus } from '../transports/server-peers.js'
import { listenAddress, listenError } from './listen.js'
import type { KeyFile, Listener, Mode, ModeContext, ModeSpec, RunningMode, TunnelPeer } from './mode.js'
import { parseSubnets, type Subnet } from './subnet.js'
import { TunnelServer } from './tunnel-server.js'
import { addPeer, clientText, loadWireGuardConf, removePeer, type WireGuardConf } from './wireguard-conf.js'
import { confPath } from './wireguard-file.js'

/** Milliseconds between two looks for a change of the key file. */
const WATCH_INTERVAL = 500

export const wireguard: Mode = {
  name: 'wireguard',
  description: 'WireGuard server, for phones and other devices; all that they send passes',
  defaultPort: 51_820,
  defaultHost: '',
  transports: ['udp'],
  data: { placeholder: 'FILE', help: 'the keys; default: wireguard.conf in the conf dir' },
  async check(spec, context) {
    await loadWireGuardConf(confPath(spec.data, context.confdir), {
      create: true,
      subnet: parseSubnets(context.options.wireguard_subnet),
    })
  },
  async start(spec, context) {
    const address = listenAddress(spec, wireguard, context.options)
    const subnet = parseSubnets(context.options.wireguard_subnet)
    // Throws for an option `endpoint` that is wrong, before a socket is opened.
    endpoints(context.options.endpoint || undefined, address.host || undefined, address.port)
    const path = confPath(spec.data, context.confdir)
    const conf = await loadWireGuardConf(path, { create: true, subnet })
    if (conf.exposed) context.log('warn', `${path} holds private keys, and others may read it: chmod 600 it`)
    const running = new RunningWireGuard(spec, context, conf, subnet, address.host)
    try {
      await running.listen(address.port)
    } catch (error) {
      throw listenError(error, spec, wireguard, address, context.specs)
    }
    return running
  },
}

class RunningWireGuard implements RunningMode {
  readonly mode = wireguard
  readonly spec: ModeSpec
  readonly resolver: readonly string[]
  readonly #context: ModeContext
  readonly #subnet: Subnet
  readonly #host: string
  readonly #server: TunnelServer
  readonly #look: () => void
  #conf: WireGuardConf

  constructor(spec: ModeSpec, context: ModeContext, conf: WireGuardConf, subnet: Subnet, host: string) {
    this.spec = spec
    this.resolver = subnet.resolver
    this.#context = context
    this.#conf = conf
    this.#subnet = subnet
    this.#host = host
    this.#server = new TunnelServer({
      conf,
      host: host || undefined,
      addresses: subnet.resolver,
      via: spec.via,
      congestion: context.options.congestion,
      bufferSize: context.options.tcp_buffer,
      verbose: context.options.termlog_verbosity === 'debug',
      arrived: (arrival) => context.arrived(this, arrival),
      log: (level, message) => context.log(level, message),
    })
    this.#look = () => void this.#reload()
  }

  async listen(port: number): Promise<void> {
    await this.#server.start(port)
    watchFile(this.#conf.path, { interval: WATCH_INTERVAL, persistent: false }, this.#look)
  }

  get listeners(): readonly Listener[] {
    const hosts = this.#host ? [this.#host] : anyHosts()
    return hosts.map((host) => ({ host, port: this.#server.port, transport: 'udp' }))
  }

  get peers(): readonly TunnelPeer[] {
    const { endpoint } = this.#context.options
    const options = { endpoint, host: this.#host, port: this.#server.port, subnet: this.#subnet }
    const seen = new Map(this.#server.statuses().map((status) => [status.publicKey, status]))
    return this.#conf.peers.map((peer) => ({
      name: peer.name,
      publicKey: peer.publicKey,
      addresses: peer.addresses,
      config: clientText(this.#conf, peer, options),
      traffic: trafficOf(seen.get(peer.publicKey)),
    }))
  }

  get failure(): Error | undefined {
    return this.#server.failure
  }

  get keyFile(): KeyFile {
    const { path } = this.#conf
    return {
      addPeer: async (name, publicKey) => {
        await addPeer(path, name, { publicKey, subnet: this.#subnet })
        await this.#reload()
      },
      removePeer: async (name) => {
        await removePeer(path, name)
        await this.#reload()
      },
    }
  }

  get endpoints(): readonly string[] {
    return endpoints(this.#context.options.endpoint || undefined, this.#host || undefined, this.#server.port)
  }

  async close(): Promise<void> {
    unwatchFile(this.#conf.path, this.#look)
    await this.#server.close()
  }

  /** Reads the key file again after `midwire wg` or an editor has changed it. */
  async #reload(): Promise<void> {
    try {
      const conf = await loadWireGuardConf(this.#conf.path, { subnet: this.#subnet })
      if (conf.serverKey !== this.#conf.serverKey) {
        this.#context.log('warn', `${conf.path} has another server_key now, which takes effect at the next start`)
      }
      this.#conf = { ...conf, serverKey: this.#conf.serverKey, publicKey: this.#conf.publicKey }
      this.#server.setPeers(conf.peers)
    } catch (error) {
      this.#context.log('error', `${(error as Error).message}; the peers stay as they were`)
    }
  }
}

function trafficOf(status: PeerStatus | undefined): TunnelPeer['traffic'] {
  if (!status) return undefined
  const { endpoint, handshakeAge, receivedBytes, sentBytes, dropped } = status
  const handshakeAt = handshakeAge === undefined ? undefined : Date.now() - handshakeAge * 1000
  return { endpoint, handshakeAt, receivedBytes, sentBytes, dropped }
}

/** The wildcard addresses of the families that the machine has. */
function anyHosts(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.some(({ family }) => family === 'IPv6') ? ['0.0.0.0', '::'] : ['0.0.0.0']
}
