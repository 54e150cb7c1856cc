// Finds the addresses of servers: by the system, or, where dns_name_servers are given, by these and the hosts file.
import { isIP } from 'node:net'
import { plainAddress } from '../addresses.js'
import { canonicalName } from '../flow/host-name.js'
import { codeOf } from './explain.js'
import type { Family } from './eyeballs.js'
import type { Resolver } from './resolver.js'

/** An answer for some families: their addresses, or why there are none. */
export interface Answer {
  readonly families: readonly Family[]
  readonly found: readonly { address: string; family: Family }[] | Error
}

export type Told = (answer: Answer) => void

/** Codes of c-ares that mean that the name servers have failed, and not that there is no such name. */
const FAILED_SERVERS = new Set([
  ...['ESERVFAIL', 'EREFUSED', 'ENOTIMP', 'EFORMERR', 'ECONNREFUSED', 'ETIMEOUT', 'EBADRESP', 'ECANCELLED'],
])

/** The addresses of `localhost`, for which no name server is asked (RFC 6761, 6.3). */
const LOOPBACK = ['::1', '127.0.0.1']

/**
 * Finds the addresses of these families that a host has. `told` is called once, or once for each family. Nothing is kept for the next
 * time: the system's resolver and name servers have caches of their own, which know when an address is out of date.
 */
export function findAddresses(resolver: Resolver, host: string, families: readonly Family[], told: Told): void {
  const all = (addresses: readonly string[]) => told({ families, found: ofFamilies(addresses, families) })
  const none = (error: unknown) => told({ families, found: explained(error, host) })
  if (isIP(host)) all([host])
  else if (!resolver.hasOwnServers) resolver.systemAddressesOf(host).then(all, none)
  else if (/^(.+\.)?localhost$/.test(canonicalName(host))) all(LOOPBACK)
  else {
    void resolver.inHostsFile(host).then((known) => {
      if (known) return all(known)
      for (const family of families) {
        resolver.addressesOf(host, family).then(
          (addresses) => told({ families: [family], found: ofFamilies(addresses, families) }),
          (error) => told({ families: [family], found: codeOf(error) === 'ENODATA' ? [] : explained(error, host) }),
        )
      }
      return undefined
    })
  }
}

/** The addresses that are of these families. */
export function ofFamilies(addresses: readonly string[], families: readonly Family[]) {
  return addresses
    .map((text) => {
      // An address with a zone keeps it: without it there is no way to a link-local address.
      const address = text.includes('%') ? text : (plainAddress(text) ?? text)
      return { address, family: isIP(address) as Family }
    })
    .filter(({ family }) => families.includes(family))
}

/** The errors of c-ares have the codes of getaddrinfo's here: ECONNREFUSED would say that the server has refused, and not its name server. */
function explained(error: unknown, host: string): Error {
  const from = codeOf(error)
  const code = FAILED_SERVERS.has(from) ? 'EAI_AGAIN' : from === 'EBADNAME' ? 'ENOTFOUND' : undefined
  if (code) return Object.assign(new Error(`the look-up of ${host} has failed: ${from}`, { cause: error }), { code })
  return error instanceof Error ? error : new Error(String(error))
}
