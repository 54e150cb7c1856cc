// The certificate authority of a conf dir: midwire's own, or mitmproxy's as it is, or a new one.
import { type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MidwireError } from '../errors.js'
import { readAuthority } from './authority-file.js'
import { emptyCrl } from './crl.js'
import { createFileAtomically, makeConfdir, sweepTemporary, writeFileAtomically } from './files.js'
import { newAuthority } from './new-authority.js'
import { pkcs12 } from './pkcs12.js'

const OURS = 'midwire-ca.pem'
const MITMPROXYS = 'mitmproxy-ca.pem'

/** The authority that signs the leaves, and that clients are to trust. */
export interface Authority {
  readonly certificate: X509Certificate
  /** The certificate as clients install it. */
  readonly pem: string
  readonly der: Buffer
  /** The certificate as PKCS#12, without a key or a password. */
  p12(): Buffer
  readonly commonName: string
  /** SHA-256 of the certificate, as `AB:CD:...`. */
  readonly fingerprint: string
  readonly key: KeyObject
  /** The authority's name (DER), which becomes the issuer of every leaf byte for byte. */
  readonly subject: Buffer
  readonly keyIdentifier: Buffer
  /** The certificates that are sent after a leaf (PEM). None where the authority is a root. */
  readonly chain: readonly string[]
  /**
   * The path of the revocation list's URL in a leaf. A leaf has that URL where the server's certificate has one, with the same host;
   * midwire answers this path on any host.
   */
  readonly crlPath: string
  /** The revocation list: DER, and empty. */
  crl(): Buffer
  /** Faults that do not keep the authority from signing, a sentence each. */
  readonly warnings: readonly string[]
  /** Whether this call of `loadAuthority` has made the authority. */
  readonly created: boolean
  /** The file of the certificate and its private key. */
  readonly path: string
  /** The file with the certificate alone, for clients. Undefined where there is none and none can be written. */
  readonly certificatePath: string | undefined
}

/**
 * Loads the authority of a conf dir. A missing conf dir is made (0700), and so is a missing authority. Two processes that start
 * at once have the same authority. Throws ERR_CONFDIR, ERR_AUTHORITY.
 */
export async function loadAuthority(confdir: string): Promise<Authority> {
  await makeConfdir(confdir)
  const path = join(confdir, OURS)
  const ours = await readText(path)
  if (ours !== undefined) return withFiles(confdir, await load(path, ours, false))
  const mitmproxys = join(confdir, MITMPROXYS)
  const theirs = await readText(mitmproxys)
  if (theirs !== undefined) return withCertificate(confdir, await load(mitmproxys, theirs, false))

  let created: boolean
  try {
    await sweepTemporary(path)
    created = await createFileAtomically(path, await newAuthority(), 0o600)
  } catch (cause) {
    throw new MidwireError('ERR_AUTHORITY', `${path} cannot be written (${reason(cause)}): ${ELSEWHERE}`, { cause })
  }
  const text = await readText(path)
  if (text === undefined) throw new MidwireError('ERR_AUTHORITY', `${path} was taken away while midwire started`)
  return withFiles(confdir, await load(path, text, created))
}

const ELSEWHERE = 'give a directory that can be written to, with --confdir'

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const what = `${path} cannot be read (${reason(cause)}): make it readable, or choose another directory with --confdir`
    throw new MidwireError('ERR_AUTHORITY', what, { cause })
  }
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

async function load(path: string, text: string, created: boolean): Promise<Authority> {
  const { certificate, commonName, key, subject, keyIdentifier, chain, warnings } = readAuthority(path, text)
  const others = process.platform === 'win32' ? 0 : (await stat(path)).mode & 0o077
  if (others) warnings.push(`${path} holds a private key and is open to other users: chmod 600 '${path}'`)
  let p12: Buffer | undefined
  let crl: Buffer | undefined
  return {
    certificate,
    pem: certificate.toString(),
    der: certificate.raw,
    p12: () => {
      p12 ??= pkcs12(certificate.raw, commonName)
      return p12
    },
    commonName,
    fingerprint: certificate.fingerprint256,
    key,
    subject,
    keyIdentifier,
    chain,
    crlPath: `/midwire-${certificate.serialNumber.toLowerCase()}.crl`,
    crl: () => {
      crl ??= emptyCrl({ key, subject, keyIdentifier })
      return crl
    },
    warnings,
    created,
    path,
    certificatePath: undefined,
  }
}

/** Writes the certificate beside the key, in the forms that clients install. A file that is right already stays as it is. */
async function withFiles(confdir: string, authority: Authority): Promise<Authority> {
  const warnings = [...authority.warnings]
  let certificatePath: string | undefined
  for (const ending of ['pem', 'cer', 'p12'] as const) {
    const path = join(confdir, `midwire-ca-cert.${ending}`)
    try {
      const found = await readFile(path).catch(() => undefined)
      // Each PKCS#12 has a salt of its own and so differs from the others: any that holds the certificate will do.
      const right = ending === 'p12' ? found?.includes(authority.der) : found?.equals(Buffer.from(authority.pem))
      if (!right) await writeFileAtomically(path, ending === 'p12' ? authority.p12() : authority.pem, 0o644)
      if (ending === 'pem') certificatePath = path
    } catch (error) {
      warnings.push(`${path} cannot be written: ${reason(error)}`)
    }
  }
  return { ...authority, warnings, certificatePath }
}

/**
 * Takes mitmproxy's file of the certificate where it holds this one. Otherwise writes files of our own, so that users never need to
 * copy the file with the private key to a client.
 */
async function withCertificate(confdir: string, authority: Authority): Promise<Authority> {
  const beside = join(confdir, 'mitmproxy-ca-cert.pem')
  const found = await readFile(beside, 'utf8').catch(() => '')
  return isCertificateOnly(found, authority) ? { ...authority, certificatePath: beside } : withFiles(confdir, authority)
}

function isCertificateOnly(text: string, { der }: Authority): boolean {
  try {
    return !text.includes('PRIVATE KEY') && new X509Certificate(text).raw.equals(der)
  } catch {
    return false
  }
}
