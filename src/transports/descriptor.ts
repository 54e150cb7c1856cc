// Sockets by their descriptors: what Linux lets a transparent proxy do with them, and Node has no function for.
import { isIPv6, type Socket } from 'node:net'
import { addressOf } from '../addresses.js'
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
  /** The IP address that they come from; it need not be this machine's. */
  readonly source?: string | undefined
}

/** The options of a socket for connecting to an address. */
export function outgoingSocket(
  transport: 'tcp' | 'udp',
  address: string,
  { mark, source }: Outgoing,
): NativeSocketOptions {
  return {
    udp: transport === 'udp',
    ipv6: isIPv6(address),
    transparent: source !== undefined,
    ...(mark !== undefined && { mark }),
    ...(source !== undefined && { host: source, port: 0 }),
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
