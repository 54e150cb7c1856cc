// Reads and changes the clients in the key files of the WireGuard modes, for `midwire wg`, which needs no running proxy.
import { makeConfdir } from '../certs/files.js'
import { MidwireError } from '../errors.js'
import { listenAddress } from '../modes/listen.js'
import type { ModeSpec } from '../modes/mode.js'
import { parseSpec } from '../modes/spec.js'
import { parseSubnets, type Subnet } from '../modes/subnet.js'
import { wireguard } from '../modes/wireguard.js'
import { addPeer, clientText, loadWireGuardConf, removePeer, type WireGuardConf } from '../modes/wireguard-conf.js'
import { confPath } from '../modes/wireguard-file.js'
import type { Options } from '../options/definitions.js'
import { confdirOf } from '../options/paths.js'
import { readOptions } from '../options/read.js'
import { endpoints } from '../transports/client-config.js'
import type { MidwireOptions, PeerInfo } from './api.js'

/** The options of a proxy that its WireGuard clients depend on. */
export type PeerOptionsOf = Pick<MidwireOptions, 'modes' | 'confdir' | 'options'>

interface Tunnel {
  readonly spec: ModeSpec
  readonly path: string
  readonly options: Options
  readonly subnet: Subnet
}

/**
 * The clients of all WireGuard modes that a proxy with these options has. Missing key files are made. Throws
 * ERR_WIREGUARD_CONF, ERR_OPTION, ERR_MODE, ERR_CONFDIR.
 */
export async function wireGuardPeers(given: PeerOptionsOf = {}): Promise<PeerInfo[]> {
  const all: PeerInfo[] = []
  const found = tunnels(given)
  await makeConfdir(confdirOf(given.confdir))
  for (const tunnel of found) {
    const conf = await loadWireGuardConf(tunnel.path, { create: true, subnet: tunnel.subnet })
    all.push(...peersOf(tunnel, conf))
  }
  return all
}

/**
 * Adds a client: with a new key pair, or with `publicKey` for a client that keeps its private key to itself. A running proxy lets
 * the client in within a second. Throws the errors of wireGuardPeers, ERR_WIREGUARD_CONF also for a name or key that is taken, and
 * ERR_ARGUMENT where the modes have several key files.
 */
export async function addWireGuardPeer(
  name: string,
  given: PeerOptionsOf & { publicKey?: string | undefined } = {},
): Promise<PeerInfo> {
  const tunnel = onlyTunnel(given)
  await makeConfdir(confdirOf(given.confdir))
  await addPeer(tunnel.path, name, { publicKey: given.publicKey, subnet: tunnel.subnet })
  const conf = await loadWireGuardConf(tunnel.path, { subnet: tunnel.subnet })
  const added = peersOf(tunnel, conf).find((peer) => peer.name === name)
  if (!added)
    throw new MidwireError('ERR_WIREGUARD_CONF', `${tunnel.path}: the new peer was removed at once by another process`)
  return added
}

/**
 * Removes a client and its keys. A running proxy shuts the client out within a second. Throws ERR_WIREGUARD_CONF for an unknown
 * name, and ERR_ARGUMENT where the modes have several key files.
 */
export async function removeWireGuardPeer(name: string, given: PeerOptionsOf = {}): Promise<void> {
  await removePeer(onlyTunnel(given).path, name)
}

/** The paths of the key files of all WireGuard modes, or of the one that such a mode would have. Throws ERR_OPTION, ERR_MODE. */
export const keyFiles = (given: PeerOptionsOf): string[] => tunnels(given).map(({ path }) => path)

function tunnels(given: PeerOptionsOf): Tunnel[] {
  const options = readOptions({ ...given.options, ...(given.modes && { mode: [...given.modes] }) })
  const specs = options.mode.map(parseSpec).filter(({ name }) => name === wireguard.name)
  const confdir = confdirOf(given.confdir)
  const subnet = parseSubnets(options.wireguard_subnet)
  return (specs.length > 0 ? specs : [parseSpec(wireguard.name)]).map((spec) => {
    return { spec, path: confPath(spec.data, confdir), options, subnet }
  })
}

function onlyTunnel(given: PeerOptionsOf): Tunnel {
  const [first, ...others] = tunnels(given)
  const other = others.find(({ path }) => path !== first?.path)
  if (!first || other) {
    throw new MidwireError(
      'ERR_ARGUMENT',
      `there are several key files, ${first?.path} and ${other?.path}: choose one with --mode wireguard:FILE`,
    )
  }
  return first
}

function peersOf({ spec, options, subnet }: Tunnel, conf: WireGuardConf): PeerInfo[] {
  const { host, port } = listenAddress(spec, wireguard, options)
  const { endpoint } = options
  const dialled = endpoints(endpoint, host || undefined, port)
  return conf.peers.map((peer) => ({
    spec: spec.shown,
    name: peer.name,
    publicKey: peer.publicKey,
    addresses: peer.addresses,
    config: clientText(conf, peer, { endpoint, host: host || undefined, port, subnet }),
    endpoints: dialled,
  }))
}
