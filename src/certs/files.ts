// Writes files so that a path has the whole file or none, even if the process is killed, and no process reads a half-written file.
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MidwireError } from '../errors.js'

/** A temporary file of this age was left behind by a process that was killed, and is removed. */
const ABANDONED_MILLISECONDS = 60_000

/** Replaces a file, or makes one. The file has its mode from the first byte on. */
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

/** Makes a file. False where the path has a file already, which then stays as it is. */
export async function createFileAtomically(path: string, data: string | Uint8Array, mode: number): Promise<boolean> {
  const temporary = await writeTemporary(path, data, mode)
  try {
    await link(temporary, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // This file system has no hard links. Two processes that start at once may both get here: the file of the later one stays.
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

/** Makes a missing conf dir (0700), with the missing directories above it. Throws ERR_CONFDIR. */
export async function makeConfdir(confdir: string): Promise<void> {
  try {
    await makeMissing(confdir)
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new MidwireError('ERR_CONFDIR', `${confdir} cannot be made: ${NO_FOLDER[code] ?? message}`, { cause })
  }
}

/** Replaces `recursive` of mkdir, which never ends below a directory that answers ENOENT to a new name, such as /proc. */
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
    // Another process may have made the directory at the same moment.
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

/** Syncs the folder of a path: only then does a new name in the folder survive a crash of the machine. Windows cannot do this. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
  } catch {
    // Not every file system can sync a folder; the file itself is on the disk.
  }
}

/** Removes the temporary files of `path` that killed processes have left behind. */
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
