// The certificate authorities that servers are trusted by: those of the operating system, where Node can read them.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { MidwireError } from '../errors.js'
import { pemBlocks } from './pem.js'

export interface TrustOptions {
  /** PEM file to trust instead of the system's roots: `ssl_verify_upstream_trusted_ca`. */
  readonly caFile?: string | undefined
  /** Directory of PEM files to trust in addition: `ssl_verify_upstream_trusted_confdir`. */
  readonly caDirectory?: string | undefined
}

/** The files that hold all roots of a system: Debian and Arch, Fedora and RHEL, SUSE, Alpine and macOS and the BSDs. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
]

let systems: readonly string[] | undefined

/** The trusted certificates as PEM. Those of the system are read once. Throws ERR_ARGUMENT for an option's file without any. */
export function trustedRoots({ caFile, caDirectory }: TrustOptions = {}): string[] {
  const roots = caFile ? fromOption('ssl_verify_upstream_trusted_ca', caFile) : systemRoots()
  if (!caDirectory) return [...roots]
  return [...roots, ...fromOption('ssl_verify_upstream_trusted_confdir', caDirectory)]
}

function fromOption(name: string, path: string): string[] {
  try {
    const found = statSync(path).isDirectory() ? fromDirectory(path) : fromFile(path)
    if (found.length > 0) return found
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_ARGUMENT', `${name}: ${reason}`, { cause })
  }
  throw new MidwireError('ERR_ARGUMENT', `${name}: ${path} has no certificates in PEM (-----BEGIN CERTIFICATE-----)`)
}

function systemRoots(): readonly string[] {
  systems ??= [...new Set([...ofSystem(), ...ofEnvironment('NODE_EXTRA_CA_CERTS')])]
  return systems
}

function ofSystem(): readonly string[] {
  // These variables replace the system's roots, as in OpenSSL and most programs.
  const chosen = [...ofEnvironment('SSL_CERT_FILE'), ...ofEnvironment('SSL_CERT_DIR')]
  if (chosen.length > 0) return chosen
  // Node 22.15 and later can ask the system for its roots, on macOS and Windows, too.
  const { getCACertificates } = tls as { getCACertificates?: (type: 'system') => string[] }
  const asked = getCACertificates?.('system') ?? []
  if (asked.length > 0) return asked
  for (const bundle of BUNDLES) {
    const found = noneOnFailure(() => fromFile(bundle))
    if (found.length > 0) return found
  }
  return tls.rootCertificates
}

/** The certificates of the files that an environment variable names. Where they cannot be read, it counts as not set, as in Node. */
function ofEnvironment(name: string): string[] {
  const paths = process.env[name]
  if (!paths) return []
  return noneOnFailure(() => (name === 'SSL_CERT_DIR' ? paths.split(':').flatMap(fromDirectory) : fromFile(paths)))
}

function noneOnFailure(read: () => string[]): string[] {
  try {
    return read()
  } catch {
    return []
  }
}

const fromFile = (path: string): string[] =>
  pemBlocks(readFileSync(path, 'utf8'))
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ text }) => text)

function fromDirectory(path: string): string[] {
  const certificates = readdirSync(path).flatMap((name) => noneOnFailure(() => fromFile(join(path, name))))
  // OpenSSL's directories have each certificate twice: as a file, and as a link that is named by the hash of its subject.
  return [...new Set(certificates)]
}
