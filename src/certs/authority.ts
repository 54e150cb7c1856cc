// The certificate authority of a conf dir: ours, or mitmproxy's as it is, or a new one.
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

/** What signs the leaves, and what clients are to trust. */
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
  /** Its name (DER), which becomes the issuer of every leaf byte for byte. */
  readonly subject: Buffer
  readonly keyIdentifier: Buffer
  /** PEM: what a server sends after a leaf. None for an authority that is a root. */
  readonly chain: readonly string[]
  /** Where leaves have their revocation list, if the server's certificate has one; whatever its host is, we answer. */
  readonly crlPath: string
  /** The revocation list: DER, and empty. */
  crl(): Buffer
  /** Sentences about what is wrong without being in the way. */
  readonly warnings: readonly string[]
  /** Whether it was made by this call. */
  readonly created: boolean
  /** The file that it is in, with its private key. */
  readonly path: string
  /** The file with the certificate alone, for clients. Undefined where there is none and none can be written. */
  readonly certificatePath: string | undefined
}

/**
 * The authority of a conf dir, which is made (0700) if it is missing. Two processes that start at once have the same one.
 * Throws ERR_CONFDIR, ERR_AUTHORITY.
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

/** The certificate beside the key, in the forms that clients install. What is right already is not written again. */
async function withFiles(confdir: string, authority: Authority): Promise<Authority> {
  const warnings = [...authority.warnings]
  let certificatePath: string | undefined
  for (const ending of ['pem', 'cer', 'p12'] as const) {
    const path = join(confdir, `midwire-ca-cert.${ending}`)
    try {
      const found = await readFile(path).catch(() => undefined)
      // Every PKCS#12 of it is different: it is right if it has the certificate in it.
      const right = ending === 'p12' ? found?.includes(authority.der) : found?.equals(Buffer.from(authority.pem))
      if (!right) await writeFileAtomically(path, ending === 'p12' ? authority.p12() : authority.pem, 0o644)
      if (ending === 'pem') certificatePath = path
    } catch (error) {
      warnings.push(`${path} cannot be written: ${reason(error)}`)
    }
  }
  return { ...authority, warnings, certificatePath }
}

/** mitmproxy's own file where it has this certificate; else one beside it, so that nobody has to be told of the key's. */
async function withCertificate(confdir: string, authority: Authority): Promise<Authority> {
  const beside = join(confdir, 'mitmproxy-ca-cert.pem')
  const found = await readFile(beside, 'utf8').catch(() => '')
  return isAlone(found, authority) ? { ...authority, certificatePath: beside } : withFiles(confdir, authority)
}

function isAlone(text: string, { der }: Authority): boolean {
  try {
    return !text.includes('PRIVATE KEY') && new X509Certificate(text).raw.equals(der)
  } catch {
    return false
  }
}
