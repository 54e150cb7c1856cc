// A leaf certificate before it is written: what is in it, for how long, and who writes it.
import { type KeyObject, randomBytes } from 'node:crypto'
import { plainAddress } from '../addresses.js'
import type { LeafKey } from '../connection.js'
import { native } from '../native/load.js'
import type { Authority } from './authority.js'
import { leafWriter } from './leaf-writer.js'
import { covers, dnsName, MAX_NAMES } from './names.js'
import type { UpstreamNames } from './upstream.js'

/** Everything that differs from leaf to leaf. */
export interface Leaf {
  /** Undefined: there is none, and the alternative names are critical. */
  readonly commonName: string | undefined
  readonly organization: string | undefined
  /** DNS names in ASCII and IP addresses, in their order. */
  readonly names: readonly string[]
  /** Seconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** Read as a positive number. */
  readonly serial: Buffer
  readonly crlUrl: string | undefined
}

/** Writes and signs a leaf: DER. */
export type LeafMinter = (leaf: Leaf) => Buffer

/** Whom a leaf is for. */
export interface LeafRequest {
  /** The name that the client asked for. What is no DNS name is as if it were not there. */
  readonly sni?: string | undefined
  /** Of the server's certificate, if it was asked. */
  readonly upstream?: UpstreamNames | undefined
  /** The key that the client can do with; default `p256`. */
  readonly key?: LeafKey | undefined
  /** Where the client connects to, name or address; without an SNI, what the leaf is for. */
  readonly address?: string | undefined
}

const DAY = 86_400
/** Clocks go wrong; and no client takes certificates that are valid for more than 199 days, from 2026 on. */
const BACKDATED = 2 * DAY
const VALID = 199 * DAY - 1

/** The names of a leaf in the order of their weight; never none. */
export function leafNames({ sni, upstream, address }: LeafRequest): string[] {
  const names = upstream ? upstream.names.slice(0, MAX_NAMES - 2) : []
  for (const text of [sni, address]) {
    if (!text) continue
    const name = plainAddress(text) ?? dnsName(text)
    // Under a wildcard of the server's it needs no leaf of its own.
    if (name !== undefined && !names.some((known) => covers(known, name))) names.push(name)
  }
  return names.length > 0 ? names : ['midwire']
}

/** A leaf for these names, valid from two days ago, 199 days in all, and never longer than the authority. */
export function planLeaf(names: readonly string[], request: LeafRequest, authority: Authority): Leaf {
  const [first = ''] = names
  const notBefore = Math.floor(Date.now() / 1000) - BACKDATED
  const serial = randomBytes(18)
  // Positive, and of full length.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const crl = request.upstream?.crl
  return {
    commonName: first.length < 64 ? first : undefined,
    organization: request.upstream?.organization,
    names,
    notBefore,
    notAfter: Math.min(notBefore + VALID, Math.floor(Date.parse(authority.certificate.validTo) / 1000)),
    serial,
    crlUrl: crl === undefined ? undefined : new URL(authority.crlPath, crl).href,
  }
}

/** The addon, where there is one and it has these kinds of keys; else TypeScript. `key` is the leaves' own. */
export function leafMinter(authority: Authority, key: KeyObject): LeafMinter {
  return addonMinter(authority, key) ?? leafWriter(authority, key)
}

/** Undefined where there is no addon, or where the authority's key or the leaves' is not on P-256. */
export function addonMinter(authority: Authority, key: KeyObject): LeafMinter | undefined {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined
  try {
    const issuer = new (native().NativeLeafIssuer)(
      authority.key.export({ type: 'pkcs8', format: 'der' }),
      authority.subject,
      authority.keyIdentifier,
      // The point is the end of a SubjectPublicKeyInfo.
      key.export({ type: 'spki', format: 'der' }).subarray(-65),
    )
    return ({ commonName, organization, crlUrl, names, ...rest }) =>
      issuer.mint({
        ...rest,
        names: [...names],
        ...(commonName !== undefined && { commonName }),
        ...(organization !== undefined && { organization }),
        ...(crlUrl !== undefined && { crlUrl }),
      })
  } catch {
    return undefined
  }
}
