// Files that are whole or not there, whenever the process is killed, and that nobody else reads before they are finished.
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MidwireError } from '../errors.js'

/** What a killed process left behind is taken away after so long. */
const ABANDONED_MILLISECONDS = 60_000

/** Replaces a file, or makes it. It has its mode from the first byte on. */
export async function writeFileAtomically(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const temporary = await writeTemporary(path, data, mode)
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(path)
}

/** Makes a file; false when there is one already, which then stays as it is. */
export async function createFileAtomically(path: string, data: string | Uint8Array, mode: number): Promise<boolean> {
  const temporary = await writeTemporary(path, data, mode)
  try {
    await link(temporary, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // A file system without hard links. Two that start in the same moment may both get here: the later one stays.
    if (await exists(path)) return false
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(path)
  return true
}

const NO_FOLDER: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EEXIST: 'there is something of that name that is no directory',
  ENOTDIR: 'a part of the path is a file, and no directory',
  ENOENT: 'nothing can be made in the directory above it',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
}

/** Makes the conf dir (0700), with those above it, where it is missing. Throws ERR_CONFDIR. */
export async function makeConfdir(confdir: string): Promise<void> {
  try {
    await makeMissing(confdir)
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new MidwireError('ERR_CONFDIR', `${confdir} cannot be made: ${NO_FOLDER[code] ?? message}`, { cause })
  }
}

/** As mkdir does with `recursive`, which never ends where the file system says that a directory is there, and is not (/proc/x). */
async function makeMissing(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return false
    },
  )
  if (isThere) return
  if (dirname(folder) !== folder) await makeMissing(dirname(folder))
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have been faster.
    const made = await stat(folder).catch(() => undefined)
    if (!made?.isDirectory()) throw error
  }
}

async function writeTemporary(path: string, data: string | Uint8Array, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    await file.close()
  }
  return temporary
}

/** A name in a folder lasts when the folder is synced; Windows has no such call. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
  } catch {
    // Not every file system can; the file itself is there.
  }
}

/** Takes away unfinished files of that name that a killed process has left. */
export async function sweepTemporary(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`.${basename(path)}.`) || !name.endsWith('.tmp')) continue
    const left = join(folder, name)
    const age = Date.now() - ((await stat(left).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > ABANDONED_MILLISECONDS) await rm(left, { force: true })
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
