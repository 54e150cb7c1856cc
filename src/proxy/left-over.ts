// The files that midwires which were killed have left beside their own: temporary ones, and locks.
import { readdir, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasLeftOverLock, isAlive, removeLeftOverLock } from '../modes/wireguard-file.js'
import { confdirOf } from '../options/paths.js'
import { keyFiles, type PeerOptionsOf } from './peers.js'

/** Milliseconds. midwire needs a temporary file for less than the first; after the second any of them is left over, whoever has its process id now. */
const SOON = 1_000
const LATE = 60_000

/** The temporary files of the authority in the conf dir: `.midwire-ca.pem.PID.xxxxxxxxxxxx.tmp`. */
const OF_AUTHORITY = /^\.(?:midwire|mitmproxy)-ca[\w.-]*\.(\d+)\.[\da-f]{12}\.tmp$/

/**
 * Finds the files that midwires which were killed have left in the conf dir and beside the WireGuard key files, and removes them unless
 * `dryRun` is true. Files of a midwire that runs stay. Gives their paths. Throws ERR_OPTION, ERR_MODE.
 */
export async function removeLeftOvers(given: PeerOptionsOf & { dryRun?: boolean } = {}): Promise<string[]> {
  const { dryRun = false } = given
  const found = await temporaryFiles(confdirOf(given.confdir), (name) => OF_AUTHORITY.exec(name)?.[1])
  for (const path of new Set(keyFiles(given))) {
    // Where the key file is a link, its temporary files lie beside the file that it leads to.
    const target = await realpath(path).catch(() => path)
    found.push(...(await temporaryFiles(dirname(target), (name) => ownerOf(name, basename(target)))))
    if (!(await hasLeftOverLock(path))) continue
    found.push(`${path}.lock`)
    if (!dryRun) await removeLeftOverLock(path)
  }
  const files = [...new Set(found)]
  if (!dryRun) for (const file of files) if (!file.endsWith('.lock')) await rm(file, { force: true })
  return files
}

/** The process id in the name of a temporary file of `of`: `wireguard.conf.PID.xxxxxxxx.tmp`. */
function ownerOf(name: string, of: string): string | undefined {
  return name.startsWith(`${of}.`) ? /^(\d+)\.[\da-f]{8}\.tmp$/.exec(name.slice(of.length + 1))?.[1] : undefined
}

async function temporaryFiles(folder: string, owner: (name: string) => string | undefined): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const id = owner(name)
    if (id === undefined) continue
    const path = join(folder, name)
    const { mtimeMs = Date.now() } = (await stat(path).catch(() => undefined)) ?? {}
    const age = Date.now() - mtimeMs
    if (age > LATE || (age > SOON && !isAlive(Number(id)))) found.push(path)
  }
  return found
}
