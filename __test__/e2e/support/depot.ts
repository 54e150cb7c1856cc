// Packages for pip, npm and apt, and a repository of git's: each holds the same file, which a client must have in the end.
import { createHash, randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from '../../support/certificates.js'
import type * as DepotProgram from '../programs/depot.js'
import { plainEnvironment } from './midwire.js'
import { must } from './processes.js'
import { Remote } from './remote.js'
import { type Scene, tlsOf, web } from './scene.js'
import { missing, pythonWithClients } from './skip.js'

const port = 8443
const name = 'day-package'
/** Its name in a wheel, where Python wants no hyphen. */
const module = 'day_package'
export const depot = { url: `https://${web.name}:${port}`, name, module, payload: 'payload' } as const

const hash = (path: string, algorithm: string, encoding: 'hex' | 'base64') =>
  createHash(algorithm).update(readFileSync(path)).digest(encoding)

/** Makes a folder, with its parents, and says where it is. */
function folderOf(...parts: string[]): string {
  const path = join(...parts)
  mkdirSync(path, { recursive: true })
  return path
}

/** `simple/`: PEP 503. A wheel is a zip archive of the module and of what pip reads about it. */
function addWheel(root: string, work: string, payload: string): void {
  const index = folderOf(root, 'simple', name)
  const information = folderOf(work, `${module}-1.0.dist-info`)
  cpSync(payload, join(folderOf(work, module), depot.payload))
  writeFileSync(join(work, module, '__init__.py'), '')
  writeFileSync(join(information, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`)
  writeFileSync(join(information, 'WHEEL'), 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
  writeFileSync(join(information, 'RECORD'), '')
  const file = `${module}-1.0-py3-none-any.whl`
  must(pythonWithClients, ['-m', 'zipfile', '-c', join(index, file), join(work, module), information])
  const link = `${file}#sha256=${hash(join(index, file), 'sha256', 'hex')}`
  writeFileSync(join(index, 'index.html'), `<!DOCTYPE html><html><body><a href="${link}">${file}</a></body></html>`)
}

/** `npm/`: the document of a package, and its archive. */
function addNpmPackage(root: string, work: string, payload: string): void {
  const registry = folderOf(root, 'npm')
  cpSync(payload, join(folderOf(work, 'package'), depot.payload))
  const manifest = { name, version: '1.0.0', license: 'MIT' }
  writeFileSync(join(work, 'package', 'package.json'), JSON.stringify(manifest))
  const file = `${name}-1.0.0.tgz`
  must('tar', ['-czf', join(folderOf(root, 'archives'), file), '-C', work, 'package'])
  const integrity = `sha512-${hash(join(root, 'archives', file), 'sha512', 'base64')}`
  const version = { ...manifest, dist: { tarball: `${depot.url}/archives/${file}`, integrity } }
  const document = { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }
  writeFileSync(join(registry, name), JSON.stringify(document))
}

/** `apt/`: a flat repository, without signatures. */
function addDebianPackage(root: string, work: string, payload: string): void {
  const repository = folderOf(root, 'apt')
  const tree = folderOf(work, 'debian')
  cpSync(payload, join(folderOf(tree, 'usr', 'share', name), depot.payload))
  const control = [
    `Package: ${name}`,
    'Version: 1.0',
    'Architecture: all',
    'Maintainer: Test <test@web.test>',
    'Description: a file',
  ].join('\n')
  writeFileSync(join(folderOf(tree, 'DEBIAN'), 'control'), `${control}\n`)
  const file = `${name}_1.0_all.deb`
  const path = join(repository, file)
  must('dpkg-deb', ['--root-owner-group', '-b', tree, path])
  const place = `Filename: ./${file}\nSize: ${statSync(path).size}\nSHA256: ${hash(path, 'sha256', 'hex')}`
  writeFileSync(join(repository, 'Packages'), `${control}\n${place}\n`)
}

/** `git/`: a bare repository with one commit, to which clients may push. */
function addGitRepository(root: string, work: string, payload: string, home: string): void {
  const tree = folderOf(work, 'git')
  const bare = join(folderOf(root, 'git'), `${name}.git`)
  const git = (...args: string[]) =>
    must('env', [`HOME=${home}`, 'GIT_CONFIG_NOSYSTEM=1', 'git', '-c', 'init.defaultBranch=main', ...args])
  git('init', '-q', tree)
  cpSync(payload, join(tree, depot.payload))
  git('-C', tree, 'add', '.')
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@web.test']
  git(...author, '-C', tree, 'commit', '-q', '-m', 'A file')
  git('clone', '-q', '--bare', tree, bare)
  git('-C', bare, 'config', 'http.receivepack', 'true')
}

/** Makes the packages whose tools are there, and serves them. Gives the bytes of their file. */
export async function startDepot(scene: Scene): Promise<Buffer> {
  const root = folderOf(scene.folder, 'depot')
  const work = mkdtempSync(join(scene.folder, 'work-'))
  const bytes = randomBytes(300_000)
  const payload = join(work, depot.payload)
  writeFileSync(payload, bytes)
  if (!missing(['python-clients'])) addWheel(root, folderOf(work, 'wheel'), payload)
  addNpmPackage(root, folderOf(work, 'npm'), payload)
  if (!missing(['apt-get'])) addDebianPackage(root, work, payload)
  if (!missing(['git'])) addGitRepository(root, work, payload, scene.folder)
  rmSync(work, { recursive: true })
  const identity = certificate({ commonName: web.name, names: [web.name], issuer: scene.root })
  const server = await Remote.start<typeof DepotProgram>(scene.world.server, 'depot', plainEnvironment())
  await server.call('serve', web.v4, port, tlsOf(identity), root)
  return bytes
}
