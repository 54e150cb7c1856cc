// The files of tunnels that ways begin with: read at once, so that what names a wrong file can be refused.
import { type Hop, tunnelOf } from '../../flow/via.js'
import { confPath, readConfTextNow } from '../../modes/wireguard-file.js'
import { parseWgQuick, type WgQuickConf } from '../../transports/wg-quick.js'

/** Bytes. The files of providers have some hundred. */
const MAX_FILE = 1024 * 1024

export interface TunnelFile {
  readonly path: string
  readonly text: string
  /** True where users other than its owner may read the file. */
  readonly exposed: boolean
  readonly conf: WgQuickConf
}

/** The absolute path of a file that a user has named: `~` is the user's home. */
export const tunnelPath = (file: string): string => confPath(file, '')

/** Reads and checks a file. Throws ERR_WIREGUARD_CONF. */
export function loadTunnelFile(path: string): TunnelFile {
  const { text, exposed } = readConfTextNow(path, MAX_FILE)
  return { path, text, exposed, conf: parseWgQuick(path, text) }
}

/** Checks the file of the tunnel that a way begins with. Throws ERR_WIREGUARD_CONF. */
export function checkWay(way: readonly Hop[] | undefined): void {
  const tunnel = way && tunnelOf(way)
  if (tunnel) loadTunnelFile(tunnelPath(tunnel.file))
}
