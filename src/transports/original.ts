// Where a connection was to go before the firewall turned it to this machine: a way for each system.
import type { Socket } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { originalDestination } from './descriptor.js'
import { listStates, PfStates } from './pf.js'
import { socketEnds } from './socket.js'

/**
 * Finds the address that an accepted connection was opened to; undefined where nothing has turned it. `port` is that of the listener.
 * Throws, or rejects with, a MidwireError.
 */
export type FindOriginal = (socket: Socket, port: number) => Address | undefined | Promise<Address | undefined>

/** The ways of the systems that have one, by `process.platform`. All but Linux's are written from documents, and were never tried. */
const WAYS: Readonly<Record<string, (list: () => Promise<string>) => FindOriginal>> = {
  linux: () => (socket) => unlessOwn(originalDestination(socket), socket),
  darwin: pfWay,
  freebsd: pfWay,
  // pf's divert-to (pf.conf(5)) rewrites nothing: our end of the socket is the destination.
  openbsd: () => (socket, port) => {
    const { local } = socketEnds(socket)
    return local?.port === port ? undefined : local
  },
}

/** The way of a system. `list` gives the states of its firewall. Throws ERR_COMMAND for a system that has none. */
export function findOriginalOn(platform: string, list: () => Promise<string> = listStates): FindOriginal {
  const way = Object.hasOwn(WAYS, platform) ? WAYS[platform] : undefined
  if (way) return way(list)
  throw new MidwireError('ERR_COMMAND', `a transparent proxy is not there on ${platform}: it wants ${systems()}`)
}

const systems = () => Object.keys(WAYS).join(', ')

function pfWay(list: () => Promise<string>): FindOriginal {
  const states = new PfStates(list)
  return async (socket) => {
    const { remote } = socketEnds(socket)
    return remote && unlessOwn(await states.find(remote), socket)
  }
}

/** A connection that was opened to midwire's own port has that address for its original one. */
function unlessOwn(found: Address | undefined, socket: Socket): Address | undefined {
  const { local } = socketEnds(socket)
  return found && found.address === local?.address && found.port === local.port ? undefined : found
}
