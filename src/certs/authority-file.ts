// The file of an authority: a private key and a certificate, checked before anything is signed with them.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { MidwireError } from '../errors.js'
import { EXTENSION, readCertificate, readName } from './certificate.js'
import { readDer } from './der.js'
import { keyIdentifierOf } from './key-identifier.js'
import { signsWith } from './leaf-writer.js'
import { type PemBlock, pemBlocks } from './pem.js'

export interface AuthorityFile {
  readonly certificate: X509Certificate
  readonly commonName: string
  readonly key: KeyObject
  readonly subject: Buffer
  readonly keyIdentifier: Buffer
  readonly chain: string[]
  readonly warnings: string[]
}

const KEY_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']
const MONTH_MILLISECONDS = 30 * 86_400_000

/** Reads PEM: a key (PKCS#8, PKCS#1 or SEC1) and its certificate, and a chain if there is one. Throws ERR_AUTHORITY. */
export function readAuthority(path: string, text: string): AuthorityFile {
  const refuse = (what: string, cause?: unknown): never => {
    throw new MidwireError('ERR_AUTHORITY', `${path}: ${what}`, { cause })
  }
  const anew = 'move the file away to have a new authority made, or choose another directory with --confdir'
  const blocks = pemBlocks(text)
  if (blocks.some(({ label, text }) => label === 'ENCRYPTED PRIVATE KEY' || text.includes('Proc-Type: 4,ENCRYPTED'))) {
    refuse('the private key has a passphrase, and midwire cannot ask for it: write the key without one (openssl pkey)')
  }
  const keyBlock = blocks.find(({ label }) => KEY_LABELS.includes(label))
  if (!keyBlock) return refuse(`the file has no private key (PEM, -----BEGIN PRIVATE KEY-----): ${anew}`)
  const key = attempt(keyBlock, createPrivateKey, (cause) => refuse(`the private key cannot be read: ${anew}`, cause))
  if (!signsWith(key)) refuse(`certificates cannot be signed with a key of type ${key.asymmetricKeyType}: ${anew}`)

  const certificates = blocks
    .filter(({ label }) => label === 'CERTIFICATE')
    .map((block) => attempt(block, read, (cause) => refuse(`a certificate cannot be read: ${anew}`, cause)))
  if (certificates.length === 0) refuse(`the file has no certificate (PEM, -----BEGIN CERTIFICATE-----): ${anew}`)
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (!own) return refuse(`the private key and the certificate do not belong together: ${anew}`)

  const fields = readCertificate(own.raw)
  const usage = fields.extensions.get(EXTENSION.keyUsage)
  // keyCertSign is bit 5 (RFC 5280, 4.2.1.3). This check comes before the one of `ca`, which is false without keyCertSign, too.
  if (usage && !((readDer(usage).content[1] ?? 0) & 0x04)) {
    refuse(`the certificate may not sign others (keyUsage keyCertSign is missing): ${anew}`)
  }
  if (!own.ca) refuse(`the certificate is not that of an authority (basicConstraints CA:TRUE is missing): ${anew}`)
  const until = Date.parse(own.validTo)
  if (until <= Date.now())
    refuse(`the certificate has expired on ${own.validTo}: ${anew}, and install it in the clients`)
  const warnings: string[] = []
  if (until < Date.now() + MONTH_MILLISECONDS) warnings.push(`${path}: the certificate expires on ${own.validTo}`)
  if (Date.parse(own.validFrom) > Date.now()) {
    warnings.push(`${path}: the certificate is valid from ${own.validFrom} only: is the clock right?`)
  }
  if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) {
    warnings.push(`${path}: the key has ${key.asymmetricKeyDetails?.modulusLength} bits; many clients want 2048`)
  }
  const root = fields.issuer.equals(fields.subject)
  const above = certificates.filter((certificate) => certificate !== own && !isRoot(certificate))
  return {
    certificate: own,
    commonName: readName(fields.subject).commonName ?? 'midwire',
    key,
    subject: fields.subject,
    keyIdentifier: keyIdentifierOf(fields),
    chain: root ? [] : [own, ...above].map(String),
    warnings,
  }
}

/** Parses a certificate with node:crypto, and with our own reader, which has to read it later, too. Throws where either fails. */
function read(text: string): X509Certificate {
  const certificate = new X509Certificate(text)
  readCertificate(certificate.raw)
  return certificate
}

function isRoot(certificate: X509Certificate): boolean {
  const { issuer, subject } = readCertificate(certificate.raw)
  return issuer.equals(subject)
}

function attempt<T>({ text }: PemBlock, call: (text: string) => T, refuse: (cause: unknown) => never): T {
  try {
    return call(text)
  } catch (cause) {
    return refuse(cause)
  }
}
