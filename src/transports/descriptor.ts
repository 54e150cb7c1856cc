// Sockets by their descriptors: what Linux lets a transparent proxy do with them, and Node has no function for.
import { isIPv6, type Socket } from 'node:net'
import { addressOf, hostPort } from '../addresses.js'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { callNative, type NativeSocketOptions, native } from '../native/load.js'

/**
 * The firewall mark of the packets that midwire sends itself while it is a transparent proxy. Rules that redirect packets leave those
 * with this mark alone; else midwire's own connections would come back to it.
 */
export const TRANSPARENT_MARK = 0x6d77

/**
 * The address that a TCP connection was opened to, before a rule of the firewall (REDIRECT, DNAT) turned it to this machine. Undefined
 * where the kernel knows of no such connection. A connection that nothing has turned has its own local address here. Linux only:
 * throws ERR_NATIVE elsewhere.
 */
export function originalDestination(socket: Socket): Address | undefined {
  // Node keeps the descriptor to itself. The socket of an accepted connection has one on every system but Windows.
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd
  const { localAddress, localPort } = socket
  if (fd === undefined || fd < 0 || localAddress === undefined || localPort === undefined) return undefined
  // An IPv4 connection of an IPv6 listener has an address that is mapped into IPv6, and an entry among those of IPv4.
  const isIpv6 = addressOf(localAddress, localPort).family === 6
  const found = callNative(() => native().originalDestination(fd, isIpv6), 'the original destination of a connection')
  return found ? addressOf(found.address, found.port) : undefined
}

/** How the network is to see what leaves by a socket. */
export interface Outgoing {
  /** The firewall mark of its packets. */
  readonly mark?: number | undefined
  /** The IP address that they come from; a foreign one is none of this machine's. Undefined for the system's choice. */
  readonly from?: { readonly address: string; readonly isForeign: boolean } | undefined
}

/**
 * Opens a socket for connecting to an address, and calls `take` with its descriptor. Throws ERR_ROOT, and Node's EADDRNOTAVAIL where it
 * is to come from an address that is not foreign, and not this machine's.
 */
export function withOutgoing<T>(
  transport: 'tcp' | 'udp',
  to: Pick<Address, 'address' | 'port'>,
  { mark, from }: Outgoing,
  take: (fd: number) => T,
): T {
  const options = {
    udp: transport === 'udp',
    ipv6: isIPv6(to.address),
    transparent: from?.isForeign === true,
    ...(mark !== undefined && { mark }),
    ...(from !== undefined && { host: from.address, port: 0 }),
  }
  try {
    return withDescriptor(options, `connecting to ${hostPort(to.address, to.port)}`, take)
  } catch (error) {
    if (!(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_NOT_AVAILABLE') throw error
    const [code, address] = ['EADDRNOTAVAIL', from?.address]
    throw Object.assign(new Error(`bind ${code} ${address}`), { syscall: 'bind', code, address })
  }
}

/** Whether this process may mark what it sends. Without CAP_NET_ADMIN it may not, nor where the system is not Linux. */
export function mayMark(): boolean {
  const options = { udp: true, ipv6: false, transparent: false, mark: TRANSPARENT_MARK }
  try {
    withDescriptor(options, 'marking packets', (fd) => native().closeSocket(fd))
    return true
  } catch (error) {
    if (error instanceof MidwireError && ['ERR_ROOT', 'ERR_NATIVE'].includes(error.code)) return false
    throw error
  }
}

/** Opens a socket that Node cannot open, calls `take` with its descriptor, and closes it where that throws. Throws ERR_ROOT. */
export function withDescriptor<T>(options: NativeSocketOptions, doing: string, take: (fd: number) => T): T {
  const fd = asRoot(() => native().openSocket(options), doing)
  try {
    return take(fd)
  } catch (error) {
    native().closeSocket(fd)
    throw error
  }
}

/** A call into the addon whose refusal means that the process has too few rights. */
export function asRoot<T>(call: () => T, doing: string): T {
  try {
    return callNative(call, doing)
  } catch (error) {
    if (!(error instanceof MidwireError) || error.code !== 'ERR_PERMISSION') throw error
    throw new MidwireError('ERR_ROOT', doing, { cause: error })
  }
}
