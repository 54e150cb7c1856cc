// wireguard.conf on the disk: never half written, never made readable by other users, never written by two processes at once.
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { link, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { MidwireError } from '../errors.js'

/** Milliseconds to wait for the lock of another process, which needs it for a few; and between two attempts. */
const LOCK_PATIENCE = 12_000
const LOCK_RETRY = 20
/** Milliseconds after which any lock counts as left over; and after which a lock without a signature does. */
const LOCK_LIFE = 10_000
const LOCK_UNSIGNED_LIFE = 1000

/** The locks that this process holds. Its id alone does not tell: after a crash in a container the next process may have the same. */
const held = new Set<string>()

/** Where a mode's key file is: its own path, `~` expanded, or `wireguard.conf` in the conf dir. */
export function confPath(data: string | undefined, confdir: string): string {
  if (data === undefined) return join(confdir, 'wireguard.conf')
  return resolve(/^~(?=$|[/\\])/.test(data) ? join(homedir(), data.slice(1)) : data)
}

export interface ConfText {
  readonly text: string
  /** True where users other than its owner may read the file. */
  readonly exposed: boolean
}

/** Undefined where there is no such file. Throws ERR_WIREGUARD_CONF. */
export async function readConfText(path: string): Promise<ConfText | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const { mode } = await stat(path)
    return { text, exposed: isExposed(mode) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, 'cannot be read', error)
  }
}

/** The same at once, for options that are refused where a file is wrong. A file of more than `most` bytes is refused, too. */
export function readConfTextNow(path: string, most: number): ConfText {
  try {
    const { mode, size } = statSync(path)
    if (size > most) throw new Error(`it is longer than ${most} bytes`)
    return { text: readFileSync(path, 'utf8'), exposed: isExposed(mode) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, 'cannot be read', error)
    throw new MidwireError('ERR_WIREGUARD_CONF', `${path}: there is no such file`)
  }
}

const isExposed = (mode: number) => process.platform !== 'win32' && (mode & 0o077) !== 0

/** Replaces the file: the whole text is on the disk before it gets the file's name. Throws ERR_WIREGUARD_CONF. */
export async function writeConfText(path: string, text: string): Promise<void> {
  // A symbolic link stays one: the file that it points to is replaced.
  const target = await realpath(path).catch(() => path)
  const temporary = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    await syncFolder(dirname(target))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unusable(path, 'cannot be written', error)
  }
}

/** Runs `work` while no other process, and no other call, holds the lock of the file. Throws ERR_WIREGUARD_CONF. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`
  await acquire(path, lock)
  held.add(lock)
  try {
    return await work()
  } finally {
    await rm(lock, { force: true }).catch(() => {})
    held.delete(lock)
  }
}

/** Whether the lock of a key file is there, and its process has been killed. */
export const hasLeftOverLock = async (path: string): Promise<boolean> =>
  (await leftOverSignature(`${path}.lock`)) !== undefined

/** Removes such a lock. One that is in use stays. */
export async function removeLeftOverLock(path: string): Promise<void> {
  const signature = await leftOverSignature(`${path}.lock`)
  if (signature !== undefined) await removeLock(`${path}.lock`, signature)
}

async function acquire(path: string, lock: string): Promise<void> {
  for (const deadline = Date.now() + LOCK_PATIENCE; ; ) {
    try {
      // The random part tells two locks of one process apart.
      const signature = `${process.pid}@${hostname()} ${randomBytes(8).toString('hex')}`
      await writeFile(lock, signature, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST') {
        // The file was created, but its signature could not be written (the disk is full).
        if (syscall !== 'open') await rm(lock, { force: true }).catch(() => {})
        throw unusable(path, 'cannot be locked', error)
      }
    }
    const leftOver = await leftOverSignature(lock)
    if (leftOver !== undefined) await removeLock(lock, leftOver)
    else if (Date.now() > deadline) {
      throw new MidwireError(
        'ERR_WIREGUARD_CONF',
        `${path} is being written by another process; if there is none, remove ${lock}`,
      )
    } else await new Promise((later) => setTimeout(later, LOCK_RETRY))
  }
}

/** The signature of a lock whose process was killed before it could remove the lock; undefined for a lock in use. */
async function leftOverSignature(lock: string): Promise<string | undefined> {
  try {
    const { mtimeMs } = await stat(lock)
    const signature = await readFile(lock, 'utf8')
    const [, pid, host] = /^(\d+)@(\S*)/.exec(signature) ?? []
    const age = Date.now() - mtimeMs
    const limit = signature === '' ? LOCK_UNSIGNED_LIFE : LOCK_LIFE
    if (age > limit) return signature
    if (pid === undefined || host !== hostname() || held.has(lock)) return undefined
    const dead = Number(pid) === process.pid ? age > LOCK_UNSIGNED_LIFE : !isAlive(Number(pid))
    return dead ? signature : undefined
  } catch {
    // The lock has just been removed.
    return undefined
  }
}

/**
 * Removes a lock that is left over. Its process may have removed it by itself in the meantime, and another process may have made a
 * new one under the same name: that one is put back.
 */
async function removeLock(lock: string, signature: string): Promise<void> {
  const aside = `${lock}.${randomBytes(4).toString('hex')}`
  try {
    if ((await readFile(lock, 'utf8')) !== signature) return
    await rename(lock, aside)
    if ((await readFile(aside, 'utf8')) !== signature) await link(aside, lock)
  } catch {
    // Another process has removed the lock first.
  } finally {
    await rm(aside, { force: true }).catch(() => {})
  }
}

/** Whether a process runs, of whichever user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Syncs a folder, so that a renamed file outlives a power cut. Failures are ignored, because Windows cannot sync folders. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {}
}

function unusable(path: string, what: string, cause: unknown): MidwireError {
  const { code, message } = cause as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a directory',
    ENOENT: 'its directory does not exist',
    ENOTDIR: 'its directory is a file',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
  }
  return new MidwireError('ERR_WIREGUARD_CONF', `${path} ${what}: ${reasons[code ?? ''] ?? message}`, { cause })
}
