// Finds the original destination of a redirected connection in what `pfctl -s state` prints (macOS, FreeBSD).
// Written from descriptions of that output: it has not been tried on a machine with pf.
import { addressOf } from '../addresses.js'
import type { Address } from '../connection.js'

/** Lines longer than this are none of pf's. */
const MAX_LINE = 1000

/**
 * The address that the client wanted, before pf's `rdr` or `route-to` turned the connection to this machine. Undefined where no
 * established TCP state has this client. The forms of a state are:
 *
 *     ALL tcp 127.0.0.1:8080 <- 192.0.2.1:80 <- 198.51.100.7:40000       ESTABLISHED:ESTABLISHED    (macOS, rdr)
 *     all tcp 127.0.0.1:8080 (192.0.2.1:80) <- 198.51.100.7:40000       ESTABLISHED:ESTABLISHED    (FreeBSD, rdr)
 *     ALL tcp 198.51.100.7:40000 -> 192.0.2.1:80       ESTABLISHED:ESTABLISHED    (route-to)
 *     ALL tcp ::1[8080] <- 2001:db8::1[80] <- 2001:db8::7[40000]       ESTABLISHED:ESTABLISHED    (IPv6)
 */
export function pfDestination(states: string, client: Address): Address | undefined {
  const { address, port } = addressOf(client.address, client.port)
  const isClient = (end: Address | undefined) => end?.address === address && end.port === port
  for (const line of states.split('\n')) {
    if (line.length > MAX_LINE || !line.includes('ESTABLISHED:ESTABLISHED')) continue
    const [, protocol, ...words] = line.trim().split(/\s+/)
    if (protocol !== 'tcp') continue
    const arrow = words.find((word) => word === '<-' || word === '->')
    const ends = words.slice(0, -1).filter((word) => word !== arrow)
    if (arrow === '->') {
      // The last end is the server. The others are the client, before and after its address was translated.
      const server = endOf(ends.at(-1))
      if (server && ends.slice(0, -1).some((end) => isClient(endOf(end)))) return server
    } else if (arrow === '<-' && ends.length === 3 && isClient(endOf(ends[2]))) {
      // The first end is the proxy. With two ends the connection was opened to the proxy itself.
      const wanted = endOf(ends[1])
      if (wanted) return wanted
    }
  }
  return undefined
}

/** `192.0.2.1:80` or `2001:db8::1[80]`, also in parentheses. */
function endOf(text = ''): Address | undefined {
  const plain = text.replace(/^\((.*)\)$/, '$1')
  const [, host, port] = /^([\d.]+):(\d{1,5})$/.exec(plain) ?? /^([\da-f:.]+(?:%\w+)?)\[(\d{1,5})\]$/i.exec(plain) ?? []
  return host === undefined || Number(port) > 65_535 ? undefined : addressOf(host, Number(port))
}
