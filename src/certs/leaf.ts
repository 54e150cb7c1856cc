// Plans a leaf certificate: its names, its fields and its time; and picks the writer of leaves.
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
  /** Undefined for a leaf without a common name, whose alternative names are then critical. */
  readonly commonName: string | undefined
  readonly organization: string | undefined
  /** DNS names in ASCII, and IP addresses. */
  readonly names: readonly string[]
  /** Seconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** The bytes of a positive number, the most significant first. */
  readonly serial: Buffer
  readonly crlUrl: string | undefined
}

/** Writes and signs a leaf, and returns its DER. */
export type LeafMinter = (leaf: Leaf) => Buffer

/** The client that a leaf is for, and the server that the client wants. */
export interface LeafRequest {
  /** The name that the client asked for. One that is no DNS name is ignored. */
  readonly sni?: string | undefined
  /** Parts of the server's certificate, if midwire has asked the server for one. */
  readonly upstream?: UpstreamNames | undefined
  /** A kind of key that the client supports; default `p256`. */
  readonly key?: LeafKey | undefined
  /** The name or address that the client connects to. The leaf is for this one where there is no SNI. */
  readonly address?: string | undefined
}

const DAY = 86_400
/** Leaves begin two days ago, for clients with a clock that is behind. From 2026 on clients refuse more than 199 days. */
const BACKDATED = 2 * DAY
const VALID = 199 * DAY - 1

/** The names of a leaf, at least one. The first is its common name, if short enough. */
export function leafNames({ sni, upstream, address }: LeafRequest): string[] {
  const names = upstream ? upstream.names.slice(0, MAX_NAMES - 2) : []
  for (const text of [sni, address]) {
    if (!text) continue
    const name = plainAddress(text) ?? dnsName(text)
    // A name that a wildcard of the server covers needs no leaf of its own.
    if (name !== undefined && !names.some((known) => covers(known, name))) names.push(name)
  }
  return names.length > 0 ? names : ['midwire']
}

/** Plans a leaf for these names, valid from two days ago, 199 days in all, and never longer than the authority. */
export function planLeaf(names: readonly string[], request: LeafRequest, authority: Authority): Leaf {
  const [first = ''] = names
  const notBefore = Math.floor(Date.now() / 1000) - BACKDATED
  const serial = randomBytes(18)
  // A first byte from 0x40 to 0x7f makes the number positive, and 18 bytes long.
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

/** The addon's writer, or `leafWriter` where the addon is missing or does not know these keys. `key` is the leaves' public key. */
export function leafMinter(authority: Authority, key: KeyObject): LeafMinter {
  return addonMinter(authority, key) ?? leafWriter(authority, key)
}

/** Undefined where there is no addon, or where the key of the authority or that of the leaves is not on P-256. */
export function addonMinter(authority: Authority, key: KeyObject): LeafMinter | undefined {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined
  try {
    const issuer = new (native().NativeLeafIssuer)(
      authority.key.export({ type: 'pkcs8', format: 'der' }),
      authority.subject,
      authority.keyIdentifier,
      // The last 65 bytes of a SubjectPublicKeyInfo on P-256 are the point.
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
