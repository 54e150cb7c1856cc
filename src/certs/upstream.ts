// Reads the parts of a server's certificate that a leaf copies: the names, the organisation, and the URL of the revocation list.
import { hash } from 'node:crypto'
import { plainAddress } from '../addresses.js'
import { EXTENSION, readCertificate, readName } from './certificate.js'
import { readAll, readDer } from './der.js'
import { addressText, dnsName, MAX_NAMES } from './names.js'
import { Recent } from './recent.js'

/** The parts of a server's certificate that a leaf copies. Every name is a checked DNS name or IP address. */
export interface UpstreamNames {
  /** The common name first, if it is a name of a host, then the alternative names; each once. */
  readonly names: readonly string[]
  readonly organization: string | undefined
  /** The first URL of the authority's revocation list; undefined where the certificate has none. */
  readonly crl: string | undefined
}

const known = new Recent<string, UpstreamNames>(500)
const NOTHING: UpstreamNames = { names: [], organization: undefined, crl: undefined }

/** Reads a server's certificate (DER). A part that cannot be read is left out; never throws. */
export function upstreamNames(certificate: Buffer): UpstreamNames {
  const fingerprint = hash('sha256', certificate, 'base64')
  const before = known.get(fingerprint)
  if (before) return before
  let names = NOTHING
  try {
    names = read(certificate)
  } catch {
    // These bytes are no certificate. The verification of the server says so, if it is on.
  }
  known.set(fingerprint, names)
  return names
}

function read(certificate: Buffer): UpstreamNames {
  const { subject, extensions } = readCertificate(certificate)
  const { commonName, organization } = readName(subject)
  const names = new Set<string>()
  const add = (name: string | undefined) => {
    // Two places are kept for the names that the client asks for.
    if (name !== undefined && names.size < MAX_NAMES - 2) names.add(name)
  }
  if (commonName !== undefined) add(plainAddress(commonName) ?? dnsName(commonName, true))
  const alternative = extensions.get(EXTENSION.subjectAltName)
  for (const { tag, content } of alternative ? readAll(readDer(alternative).content) : []) {
    if (tag === 0x82) add(dnsName(content.toString('latin1'), true))
    if (tag === 0x87) add(addressText(content))
  }
  const points = extensions.get(EXTENSION.crlDistributionPoints)
  return {
    names: [...names],
    organization: organization === undefined ? undefined : readable(organization),
    crl: points && crlUrl(points),
  }
}

/** Cleans an organisation: at most 64 characters (RFC 5280, appendix A.1), none of them a control character. */
function readable(organization: string): string | undefined {
  const plain = Buffer.from(organization.replace(/\p{Cc}/gu, '')).toString()
  const text = [...plain].slice(0, 64).join('').trim()
  return text === '' ? undefined : text
}

/** The first http URL of the distribution points (RFC 5280, 4.2.1.13). */
function crlUrl(points: Buffer): string | undefined {
  try {
    for (const point of readAll(readDer(points).content)) {
      const [name] = readAll(point.content)
      if (name?.tag !== 0xa0) continue
      for (const fullName of readAll(readDer(name.content).content)) {
        const url = fullName.content.toString('latin1')
        if (fullName.tag === 0x86 && /^http:\/\/[\x21-\x7e]{1,500}$/i.test(url) && URL.canParse(url)) return url
      }
    }
  } catch {
    // The names can be used without the URL.
  }
  return undefined
}
