// A certificate of the user's own with its private key, as a file has them (PEM), checked before a handshake needs them.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MidwireError } from '../errors.js'
import { readCertificate } from './certificate.js'
import { pemBlocks } from './pem.js'
import { type UpstreamNames, upstreamNames } from './upstream.js'

/** The most bytes of a file with a certificate and a key. */
const MAX_FILE = 1024 * 1024

/** A certificate with its key. */
export interface Identity {
  /** PEM: the certificate of the key first, then the others of the file in their order. */
  readonly cert: string
  /** PEM, PKCS#8, without a passphrase. */
  readonly key: string
  /** The names that the certificate is for. */
  readonly names: UpstreamNames['names']
}

/**
 * Reads a file with a key and its certificate, in any order, and the certificates above it. `label` is the option's name. Throws
 * ERR_OPTION, one line that says what is wrong with which file.
 */
export function readIdentity(label: string, path: string, passphrase: string | undefined): Identity {
  try {
    return parseIdentity(readText(path), passphrase)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_OPTION', `${label}: ${path}: ${why}`, { cause })
  }
}

function readText(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`, { cause })
  }
  if (bytes.length > MAX_FILE) throw new Error('the file is longer than 1 MiB')
  return bytes.toString('latin1')
}

/** Reads PEM. Throws an Error whose message is the reason. */
export function parseIdentity(text: string, passphrase?: string): Identity {
  const certificates = pemBlocks(text)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map((block) => readOne(block.text))
  const hasKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
  if (certificates.length === 0) {
    throw new Error(`there is no certificate in it (PEM, -----BEGIN CERTIFICATE-----)${hasKey ? ', only a key' : ''}`)
  }
  if (!hasKey) {
    throw new Error('there is no private key in it: put the key (PEM, -----BEGIN PRIVATE KEY-----) into the same file')
  }
  const key = readKey(text, passphrase)
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (!own) throw new Error('the private key is not that of a certificate in it')
  const others = certificates.filter((certificate) => certificate !== own)
  return {
    cert: [own, ...others].map(String).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    names: upstreamNames(own.raw).names,
  }
}

/** Parses a certificate with node:crypto, and with our own reader, which has to read it later, too. */
function readOne(text: string): X509Certificate {
  try {
    const certificate = new X509Certificate(text)
    readCertificate(certificate.raw)
    return certificate
  } catch (cause) {
    throw new Error('a certificate in it cannot be read', { cause })
  }
}

function readKey(text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) })
  } catch (cause) {
    const isEncrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)
    if (!isEncrypted) throw new Error('the private key cannot be read', { cause })
    const why = passphrase === undefined ? 'has a passphrase: give it with cert_passphrase' : 'has another passphrase'
    throw new Error(`the private key ${why}`, { cause })
  }
}
