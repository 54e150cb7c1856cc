// Checks the content of wireguard.conf: JSON with mitmproxy's `server_key` and `client_key`, and `peers`. No error shows a key.
import { MidwireError } from '../errors.js'
import { publicKey } from '../transports/keys.js'
import { type PeerOptions, PeerTable } from '../transports/server-options.js'
import { freePair, type Subnet } from './subnet.js'

/** The name of the peer whose key is `client_key`. */
export const FIRST_PEER = 'default'

/** A client in the file. Keys are base64, addresses `address/prefix`. */
export interface ConfPeer {
  readonly name: string
  readonly publicKey: string
  /** Undefined where the client keeps its private key to itself. */
  readonly privateKey: string | undefined
  readonly presharedKey: string | undefined
  readonly addresses: readonly string[]
}

export interface ConfKeys {
  readonly serverKey: string
  readonly publicKey: string
  /** The peer of `client_key` first, then `peers` in their order. */
  readonly peers: readonly ConfPeer[]
}

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** The file's JSON object, with its fields unchecked. Throws ERR_WIREGUARD_CONF. */
export function parseConf(path: string, text: string): Json {
  if (/^\s*\[Interface\]/i.test(text)) {
    throw wrong(path, 'this is a configuration for wg-quick; midwire needs JSON with server_key and client_key')
  }
  let json: unknown
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    // The parser's own message is not shown, because it quotes a piece of the text, which may be a key.
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    const line = position === undefined ? '' : `, line ${text.slice(0, Number(position)).split('\n').length}`
    throw wrong(path, `the file is not JSON: a syntax error${line}`)
  }
  if (!isObject(json)) throw wrong(path, 'the file must be a JSON object with server_key and client_key')
  return json
}

/** The keys and peers of the file's JSON object, checked; `subnet` gives addresses to peers without any. Throws ERR_WIREGUARD_CONF. */
export function readConf(path: string, json: Json, subnet: Subnet): ConfKeys {
  const { server_key: serverKey, client_key: clientKey } = json
  if (serverKey === undefined) throw wrong(path, 'server_key is missing')
  const publicKey = publicOf(path, serverKey, 'server_key')
  // `midwire wg remove default` leaves a file without `client_key`, but with `peers`.
  if (clientKey === undefined && json.peers === undefined) throw wrong(path, 'client_key is missing')
  const first = { name: FIRST_PEER, private_key: clientKey, addresses: subnet.pair(1) }
  const drafts = peerList(path, json).map((entry, index) => draft(path, entry, index))
  if (clientKey !== undefined) drafts.unshift(draft(path, first, -1))
  const same = drafts.find((one) => one.publicKey === publicKey)
  if (same) throw wrong(path, `the key of peer ${JSON.stringify(same.name)} is server_key, too: each needs its own`)
  return { serverKey: serverKey as string, publicKey, peers: settle(path, drafts, subnet) }
}

/** The entries of `peers`. Throws ERR_WIREGUARD_CONF. */
export function peerList(path: string, { peers = [] }: Json): readonly Json[] {
  if (!Array.isArray(peers) || !peers.every(isObject)) {
    throw wrong(path, 'peers is a list of objects with name, private_key or public_key, and addresses')
  }
  return peers
}

/** The name of the entry `index` of `peers`. Entries without one are named by position, from `peer2`. Throws ERR_WIREGUARD_CONF. */
export function peerName(path: string, { name }: Json, index: number): string {
  if (name === undefined) return `peer${index + 2}`
  if (typeof name !== 'string' || !isName(name)) throw wrong(path, `the name of peers[${index}] is 1 to 64 characters`)
  return name
}

export const isName = (name: string) => /^[^\p{C}]{1,64}$/u.test(name) && name.trim() !== ''

/** A peer in the form that startWireGuardServer takes. */
export function peerOptions({ name, publicKey, presharedKey, addresses }: ConfPeer): PeerOptions {
  return { name, publicKey, allowedIps: [...addresses], ...(presharedKey !== undefined && { presharedKey }) }
}

export const wrong = (path: string, what: string) => new MidwireError('ERR_WIREGUARD_CONF', `${path}: ${what}`)

/** A peer that may not have its addresses yet. */
type Draft = Omit<ConfPeer, 'addresses'> & { addresses: readonly string[] | undefined }

/** Reads an entry of `peers`; `index` -1 is the entry that stands for `client_key`. */
function draft(path: string, entry: Json, index: number): Draft {
  const name = index === -1 ? FIRST_PEER : peerName(path, entry, index)
  const what = `peer ${JSON.stringify(name)}`
  const { private_key: privateKey, preshared_key: presharedKey, addresses } = entry
  const shown =
    privateKey === undefined
      ? entry.public_key
      : publicOf(path, privateKey, index === -1 ? 'client_key' : `the private_key of ${what}`)
  if (shown === undefined) throw wrong(path, `${what} has neither private_key nor public_key`)
  if (privateKey !== undefined && entry.public_key !== undefined && entry.public_key !== shown) {
    throw wrong(path, `the public_key of ${what} is not that of its private_key`)
  }
  if (addresses !== undefined && !isTexts(addresses)) {
    throw wrong(path, `the addresses of ${what} are a list like ["10.0.0.2/32"]`)
  }
  return {
    name,
    publicKey: shown as string,
    privateKey: privateKey as string | undefined,
    presharedKey: presharedKey as string | undefined,
    addresses,
  }
}

/** Checks that no two peers have the same name, key or address, and gives addresses to peers without any. */
function settle(path: string, drafts: readonly Draft[], subnet: Subnet): ConfPeer[] {
  const table = new PeerTable()
  const taken = new Set<string>()
  const settled = new Map<Draft, ConfPeer>()
  const names = new Set<string>()
  // Peers with addresses come first, so that no other peer is given one of these.
  for (const one of [...drafts].sort((a, b) => Number(a.addresses === undefined) - Number(b.addresses === undefined))) {
    if (names.has(one.name)) throw wrong(path, `two peers are named ${JSON.stringify(one.name)}`)
    names.add(one.name)
    const peer = { ...one, addresses: one.addresses ?? freePair(subnet, taken) }
    const { allowedIps } = reworded(path, () => table.add(peerOptions(peer)))
    for (const range of allowedIps) taken.add(range)
    settled.set(one, { ...peer, addresses: allowedIps })
  }
  return drafts.flatMap((one) => settled.get(one) ?? [])
}

function publicOf(path: string, privateKey: unknown, what: string): string {
  try {
    return publicKey(privateKey as string)
  } catch (cause) {
    if (!(cause instanceof MidwireError) || cause.code !== 'ERR_KEY') throw cause
    throw wrong(path, new MidwireError('ERR_KEY', what).message)
  }
}

/** Runs a check of a peer, and turns its error into one of the file. */
function reworded<T>(path: string, check: () => T): T {
  try {
    return check()
  } catch (cause) {
    if (!(cause instanceof MidwireError) || cause.code === 'ERR_NATIVE_MISSING') throw cause
    throw new MidwireError('ERR_WIREGUARD_CONF', `${path}: ${cause.message}`, { cause })
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')
