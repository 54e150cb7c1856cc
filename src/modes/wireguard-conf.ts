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
  /** Others than its owner may read the file. */
  readonly exposed: boolean
}

export interface ConfOptions {
  /** Where the addresses come from that the file does not have. Default: that of `wireguard_subnet`. */
  readonly subnet?: Subnet | undefined
  /** Makes the file, with new keys, where there is none. Default: false. */
  readonly create?: boolean
}

export interface NewPeer {
  /** Of a client that keeps its private key to itself. Default: both are made, and kept in the file. */
  readonly publicKey?: string | undefined
  readonly presharedKey?: string | undefined
  readonly subnet?: Subnet | undefined
}

/** Throws ERR_WIREGUARD_CONF, with the file and what is wrong in it, and ERR_NATIVE_MISSING. */
export async function loadWireGuardConf(path: string, options: ConfOptions = {}): Promise<WireGuardConf> {
  const { subnet = parseSubnets([]), create = false } = options
  const file = await readConfText(path)
  if (file) return { path, exposed: file.exposed, ...readConf(path, parseConf(path, file.text), subnet) }
  if (!create) throw wrong(path, 'there is no such file; the first start of midwire makes it')
  const json = await withLock(path, () => readOrMake(path))
  return { path, exposed: false, ...readConf(path, json, subnet) }
}

/** Adds a client, and makes the file where there is none. Throws ERR_WIREGUARD_CONF: the name or the key is taken. */
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
    // What is wrong with the new one is seen before it is written.
    const added = readConf(path, next, subnet).peers.at(-1)
    await write(path, next)
    return added as ConfPeer
  })
}

/** Removes a client with its keys. Throws ERR_WIREGUARD_CONF: there is none of that name, and these are the names. */
export async function removePeer(path: string, name: string): Promise<void> {
  const existing = async () => {
    const file = await readConfText(path)
    if (file) return parseConf(path, file.text)
    throw wrong(path, `there is no peer ${JSON.stringify(name)}, and no such file; the first start of midwire makes it`)
  }
  // Before the lock, which cannot be made where the directory is missing, too.
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
  /** The address that the server listens on, where it is a particular one. */
  readonly host?: string | undefined
  /** The server's port. */
  readonly port: number
  readonly subnet?: Subnet | undefined
}

/** What a client imports; undefined where its private key is not ours to know. Throws ERR_ARGUMENT for an endpoint that is none. */
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

/** Within the lock. */
async function readOrMake(path: string): Promise<Json> {
  const file = await readConfText(path)
  if (file) return parseConf(path, file.text)
  const made = { server_key: generatePrivateKey(), client_key: generatePrivateKey(), peers: [] }
  await write(path, made)
  return made
}

const write = (path: string, json: Json) => writeConfText(path, `${JSON.stringify(json, null, 4)}\n`)

const names = (peers: readonly ConfPeer[]) => peers.map(({ name }) => JSON.stringify(name)).join(', ') || 'none'
