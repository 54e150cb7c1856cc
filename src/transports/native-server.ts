// Starts the addon's server, without IPv6 where the machine has none.
import { hostPort } from '../addresses.js'
import { MidwireError } from '../errors.js'
import { callNative, type NativeServer, type NativeServerOptions, native } from '../native/load.js'

/**
 * `anyHost`: the program has named no address, so a machine without IPv6 listens on IPv4 alone. The addon calls `ring` when it has events.
 * Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION, ERR_NATIVE_MISSING.
 */
export function startNativeServer(options: NativeServerOptions, anyHost: boolean, ring: () => void): NativeServer {
  const start = (hosts: string[]) => {
    const where = hosts.map((host) => hostPort(host, options.port)).join(' and ')
    return callNative(() => native().NativeServer.start({ ...options, hosts }, ring), `listening on UDP ${where}`)
  }
  try {
    return start(options.hosts)
  } catch (error) {
    if (!anyHost || !(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_NOT_AVAILABLE') throw error
    return start(['0.0.0.0'])
  }
}
