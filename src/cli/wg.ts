// `midwire wg`: shows, adds and removes clients of the WireGuard mode, whether the proxy runs or not.
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  addWireGuardPeer,
  MidwireError,
  type OptionName,
  type PeerInfo,
  removeWireGuardPeer,
  wireGuardPeers,
} from '../index.js'
import type { Arguments } from './arguments.js'
import { qrCode } from './qr.js'
import { settle } from './settings.js'
import { type Streams, wantsColor } from './streams.js'

/** Throws a MidwireError. */
export async function wg(args: Arguments, { stdout, stderr, env }: Streams): Promise<number> {
  const [, what, name, ...more] = args.words
  const isEdit = what === 'add' || what === 'remove'
  if ((what !== 'show' && what !== 'qr' && !isEdit) || more.length > 0 || (isEdit && name === undefined)) {
    throw new MidwireError('ERR_ARGUMENT', 'midwire wg: show [NAME], qr [NAME], add NAME, or remove NAME')
  }
  const given = await settle(args)
  if (what === 'remove' && name !== undefined) {
    await removeWireGuardPeer(name, given)
    stderr.write(`${name} is removed, also from a proxy that runs\n`)
    return 0
  }
  if (what === 'add' && name !== undefined) {
    const added = await addWireGuardPeer(name, { ...given, publicKey: args.publicKey })
    stderr.write(`${name} is added, also to a proxy that runs\n`)
    stdout.write(shown(added))
    return 0
  }
  const peers = chosen(await wireGuardPeers(given), name)
  if (what === 'show') {
    stdout.write(peers.map(shown).join('\n'))
    return 0
  }
  const [first] = name === undefined ? peers.filter(({ config }) => config !== undefined) : peers
  if (first?.config === undefined)
    throw new MidwireError('ERR_ARGUMENT', `${noConfig(first)}: there is no configuration to show`)
  const qr = qrCode(first.config, stdout.isTTY ? stdout.columns || 80 : 1000, wantsColor(stdout, env, args.color))
  if (!qr) throw new MidwireError('ERR_ARGUMENT', 'the terminal is too narrow for the QR code')
  stderr.write(`${first.name}:\n`)
  stdout.write(qr)
  return 0
}

/** Options that a client's configuration depends on. */
const CONFIG_OPTIONS: readonly OptionName[] = ['mode', 'listen_host', 'listen_port', 'endpoint', 'wireguard_subnet']

/** The command that shows the clients of a proxy started with these arguments, to be copied into a shell. */
export function wgShow({ given, sets }: Pick<Arguments, 'given' | 'sets'>, confdir: string): string {
  const words = ['midwire', 'wg', 'show']
  if (confdir !== join(homedir(), '.midwire')) words.push('--confdir', confdir)
  for (const set of sets) if (CONFIG_OPTIONS.some((name) => set.startsWith(`${name}=`))) words.push('--set', set)
  for (const name of CONFIG_OPTIONS) {
    const { flag = '', value = [] } = given.get(name) ?? {}
    for (const one of [value].flat()) words.push(flag, String(one))
  }
  return words.map(quoted).join(' ')
}

const quoted = (word: string) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function chosen(peers: readonly PeerInfo[], name: string | undefined): readonly PeerInfo[] {
  if (name === undefined) return peers
  const found = peers.filter((peer) => peer.name === name)
  if (found.length > 0) return found
  const names = peers.map((peer) => peer.name).join(', ') || 'none'
  throw new MidwireError('ERR_ARGUMENT', `there is no peer ${JSON.stringify(name)}; the names are ${names}`)
}

const noConfig = (peer: PeerInfo | undefined) =>
  peer ? `${peer.name} keeps its private key to itself` : 'no peer has a private key here'

/** A client as a file for wg-quick, with comments for the key's owner and the other endpoints. */
function shown(peer: PeerInfo): string {
  const { name, publicKey, addresses, config, endpoints } = peer
  const others = endpoints.slice(1)
  return [
    `# ${name}, public key ${publicKey}\n`,
    others.length > 0 ? `# other endpoints: ${others.join(', ')}\n` : '',
    config ?? `# ${noConfig(peer)}; its addresses are ${addresses.join(', ')}\n`,
  ].join('')
}
