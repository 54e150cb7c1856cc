// The names of a connection's host, which `ignore_hosts` and the other lists of hosts are matched against.
import { hostPort } from '../addresses.js'
import { spellings } from '../flow/host-name.js'
import type { Evidence } from './decide.js'
import { innerName, MORE } from './inner-name.js'
import { looksLikeHttp, looksLikeTls } from './sniff.js'

/** Names of a connection's host, and whether bytes that have not come yet may add one. */
interface Names {
  readonly hosts: readonly string[]
  readonly more: boolean
}

/** Whether a connection passes without being looked at; `more` where that depends on bytes that have not come yet. */
export function passes(evidence: Evidence): 'yes' | 'no' | 'more' {
  const { ignore_hosts, allow_hosts } = evidence.options
  if (ignore_hosts.length === 0 && allow_hosts.length === 0) return 'no'
  const known = namesBeforehand(evidence)
  if (known.some((host) => matches(ignore_hosts, host))) return 'yes'
  const { hosts, more } = namesInside(evidence)
  if (hosts.some((host) => matches(ignore_hosts, host))) return 'yes'
  // A host of `allow_hosts` may still match `ignore_hosts` by a name that has not come yet.
  if (more && ignore_hosts.length > 0) return 'more'
  if (allow_hosts.length === 0) return 'no'
  if ([...known, ...hosts].some((host) => matches(allow_hosts, host))) return 'no'
  return more ? 'more' : 'yes'
}

/** Whether a list matches the destination, or the name of the established TLS, with its port or without. */
export function isListed(evidence: Evidence, list: readonly RegExp[]): boolean {
  if (list.length === 0) return false
  const { destination, sni } = evidence
  const alone = [destination?.host, destination?.address, sni].filter((host) => host !== undefined)
  return [...alone.flatMap(spellings), ...namesBeforehand(evidence)].some((host) => matches(list, host))
}

/** `search` and not `test`: for a global or sticky expression the result of `test` depends on the call before. */
const matches = (list: readonly RegExp[], host: string) => list.some((regexp) => host.search(regexp) !== -1)

/** The names that are known without the client's bytes, each with the port. */
function namesBeforehand({ destination, sni }: Evidence): string[] {
  if (!destination) return []
  const { host, address, port } = destination
  const all = [address, host, sni].filter((name) => name !== undefined)
  return [...new Set(all.flatMap(spellings))].map((name) => hostPort(name, port))
}

/** The names in the client's bytes: that of a ClientHello, or the Host field of a first request. */
function namesInside(evidence: Evidence): Names {
  const { transport, clientBytes, serverBytes, destination } = evidence
  if (transport === 'udp' || serverBytes > 0 || !destination) return NONE
  const found = innerName(clientBytes)
  if (found === MORE) return { hosts: [], more: mayCome(evidence) }
  if (found === undefined) return NONE
  const name = found.text
  // An empty port is the default one (RFC 3986, 3.2.3).
  const [, host = name, port] = /^(\[.*\]|[^:]*):(\d*)$/.exec(name) ?? []
  return {
    hosts: spellings(host.replace(/^\[(.*)\]$/, '$1')).map((one) => hostPort(one, Number(port || destination.port))),
    more: false,
  }
}

const NONE: Names = { hosts: [], more: false }

/** A client that has paused within a word may never end the word; one that is silent, or in the middle of a head, is waited for. */
function mayCome({ clientBytes, clientEnded, waited }: Evidence): boolean {
  const hasBegun = looksLikeTls(clientBytes) === 'yes' || looksLikeHttp(clientBytes) === 'yes'
  return !clientEnded && (hasBegun || !waited || clientBytes.length === 0)
}
