// Option `client_certs`: the certificates that midwire shows to servers that ask for one.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MidwireError } from '../errors.js'
import { IdentitiesByName, spelled } from './by-name.js'
import { readIdentity } from './identity.js'

/** The most files of a directory. */
const MAX_FILES = 10_000

/**
 * The certificate of a file is for all servers; in a directory `example.org.pem` is for the server of that name, and
 * `*.example.org.pem` for those below it. The directory is read once, so that no path is ever made from a name that came over the
 * network. Throws ERR_OPTION.
 */
export function clientCertificates(path: string | undefined, passphrase: string | undefined): IdentitiesByName {
  const all = new IdentitiesByName()
  if (path === undefined) return all
  const refuse = (why: string, cause?: unknown) =>
    new MidwireError('ERR_OPTION', `client_certs: ${path}: ${why}`, { cause })
  let isDirectory: boolean
  try {
    isDirectory = statSync(path).isDirectory()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw refuse(code === 'ENOENT' ? 'there is no such file or directory' : `cannot be read (${code})`, cause)
  }
  if (!isDirectory) {
    all.add('*', readIdentity('client_certs', path, passphrase))
    return all
  }
  let names: string[]
  try {
    names = readdirSync(path).filter((name) => name.endsWith('.pem'))
  } catch (cause) {
    throw refuse(`the directory cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
  if (names.length > MAX_FILES) throw refuse(`it has more than ${MAX_FILES} files`)
  for (const file of names) {
    const name = spelled(file.slice(0, -'.pem'.length))
    if (name === undefined) throw refuse(`${file} is not called by a server's name, such as example.org.pem`)
    all.add(name, readIdentity('client_certs', join(path, file), passphrase))
  }
  if (all.size === 0) throw refuse('there is no certificate in the directory: call them example.org.pem')
  return all
}
