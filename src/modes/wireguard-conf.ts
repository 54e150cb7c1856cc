// wireguard.conf as the mode and `midwire wg` use it: loaded or made, peers added and removed, and the text for a client.
import { clientConfig } from '../transports/client-config.js'
import { generatePrivateKey } from '../transports/keys.js'
import { freePair, parseSubnets, type Subnet } from './subnet.js'
import { readConfText, withLock, writeConfText } from './wireguard-file.js'
import {
  type ConfKeys,
  type ConfPeer,
  FIRST_PEER,
  isName,
  type Json,
  parseConf,
  peerList,
  peerName,
  readConf,
  wrong,
} from './wireguard-json.js'

export interface WireGuardConf extends ConfKeys {
  readonly path: string
  /** True where users other than its owner may read the file. */
  readonly exposed: boolean
}

export interface ConfOptions {
  /** Gives addresses to peers without any in the file. Default: the networks that `wireguard_subnet` has by default. */
  readonly subnet?: Subnet | undefined
  /** Makes the file, with new keys, where there is none. Default: false. */
  readonly create?: boolean
}

export interface NewPeer {
  /** The key of a client that keeps its private key to itself. Default: a new private key, kept in the file. */
  readonly publicKey?: string | undefined
  readonly presharedKey?: string | undefined
  readonly subnet?: Subnet | undefined
}

/** Reads and checks wireguard.conf. Throws ERR_WIREGUARD_CONF, whose message names the file and the fault, and ERR_NATIVE_MISSING. */
export async function loadWireGuardConf(path: string, options: ConfOptions = {}): Promise<WireGuardConf> {
  const { subnet = parseSubnets([]), create = false } = options
  const file = await readConfText(path)
  if (file) return { path, exposed: file.exposed, ...readConf(path, parseConf(path, file.text), subnet) }
  if (!create) throw wrong(path, 'there is no such file; the first start of midwire makes it')
  const json = await withLock(path, () => readOrMake(path))
  return { path, exposed: false, ...readConf(path, json, subnet) }
}

/** Adds a client, and makes the file where there is none. Throws ERR_WIREGUARD_CONF, also for a name or key that is taken. */
export async function addPeer(path: string, name: string, options: NewPeer = {}): Promise<ConfPeer> {
  const { publicKey, presharedKey, subnet = parseSubnets([]) } = options
  if (!isName(name)) throw wrong(path, `the name of a peer is 1 to 64 characters, not ${JSON.stringify(name)}`)
  return withLock(path, async () => {
    const json = await readOrMake(path)
    const { peers } = readConf(path, json, subnet)
    if (name === FIRST_PEER || peers.some((peer) => peer.name === name)) {
      throw wrong(path, `there is a peer ${JSON.stringify(name)} already; the names are ${names(peers)}`)
    }
    const entry = {
      name,
      ...(publicKey === undefined ? { private_key: generatePrivateKey() } : { public_key: publicKey }),
      ...(presharedKey !== undefined && { preshared_key: presharedKey }),
      addresses: freePair(subnet, new Set(peers.flatMap((peer) => peer.addresses))),
    }
    const next = { ...json, peers: [...peerList(path, json), entry] }
    // Reading the new file's content checks the new peer before the file is written.
    const added = readConf(path, next, subnet).peers.at(-1)
    await write(path, next)
    return added as ConfPeer
  })
}

/** Removes a client with its keys. Throws ERR_WIREGUARD_CONF, with the known names where no peer has this one. */
export async function removePeer(path: string, name: string): Promise<void> {
  const existing = async () => {
    const file = await readConfText(path)
    if (file) return parseConf(path, file.text)
    throw wrong(path, `there is no peer ${JSON.stringify(name)}, and no such file; the first start of midwire makes it`)
  }
  // A missing directory would fail the lock with a worse message, so the file is looked for first.
  await existing()
  await withLock(path, async () => {
    const json = await existing()
    const { peers } = readConf(path, json, parseSubnets([]))
    if (!peers.some((peer) => peer.name === name)) {
      throw wrong(path, `there is no peer ${JSON.stringify(name)}; the names are ${names(peers)}`)
    }
    const { client_key, ...rest } = json
    const list = peerList(path, json)
    const kept = list.filter((entry, index) => peerName(path, entry, index) !== name)
    const isFirst = name === FIRST_PEER && client_key !== undefined
    await write(path, isFirst ? { ...rest, peers: list } : { ...json, peers: kept })
  })
}

export interface ClientTextOptions {
  /** `host` or `host:port`; default: `host`, else this machine's best address. */
  readonly endpoint?: string | undefined
  /** The address that the server listens on; undefined or empty for every address. */
  readonly host?: string | undefined
  /** The server's port. */
  readonly port: number
  readonly subnet?: Subnet | undefined
}

/** The configuration that a client imports; undefined where its private key is not known. Throws ERR_ARGUMENT for a wrong endpoint. */
export function clientText(conf: ConfKeys, peer: ConfPeer, options: ClientTextOptions): string | undefined {
  const { endpoint, host, port, subnet = parseSubnets([]) } = options
  if (peer.privateKey === undefined) return undefined
  return clientConfig(
    {
      serverPublicKey: conf.publicKey,
      port,
      mtu: undefined,
      addresses: [...subnet.resolver],
      host: host || undefined,
      peerAddresses: [...peer.addresses],
      presharedKey: peer.presharedKey,
      keepalive: 0,
    },
    { privateKey: peer.privateKey, ...(endpoint && { endpoint }) },
  )
}

/** Reads the file, or makes it with new keys. The caller holds the lock. */
async function readOrMake(path: string): Promise<Json> {
  const file = await readConfText(path)
  if (file) return parseConf(path, file.text)
  const made = { server_key: generatePrivateKey(), client_key: generatePrivateKey(), peers: [] }
  await write(path, made)
  return made
}

const write = (path: string, json: Json) => writeConfText(path, `${JSON.stringify(json, null, 4)}\n`)

const names = (peers: readonly ConfPeer[]) => peers.map(({ name }) => JSON.stringify(name)).join(', ') || 'none'
