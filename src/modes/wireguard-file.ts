// wireguard.conf on the disk: never half written, never readable by others, never written by two processes at once.
import { randomBytes } from 'node:crypto'
import { link, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { MidwireError } from '../errors.js'

/** How long another process may hold the lock, in milliseconds; it needs a few. */
const LOCK_PATIENCE = 12_000
const LOCK_RETRY = 20
/** After so many milliseconds a lock is left over, whoever has it; and after so many one that nobody has signed. */
const LOCK_LIFE = 10_000
const LOCK_UNSIGNED_LIFE = 1000

/** The locks of this process: after a crash in a container the next process may well have the same number. */
const held = new Set<string>()

/** Where a mode's key file is: its own path, `~` expanded, or `wireguard.conf` in the conf dir. */
export function confPath(data: string | undefined, confdir: string): string {
  if (data === undefined) return join(confdir, 'wireguard.conf')
  return resolve(/^~(?=$|[/\\])/.test(data) ? join(homedir(), data.slice(1)) : data)
}

export interface ConfText {
  readonly text: string
  /** Others than the owner may read it. */
  readonly exposed: boolean
}

/** Undefined where there is no such file. Throws ERR_WIREGUARD_CONF. */
export async function readConfText(path: string): Promise<ConfText | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const { mode } = await stat(path)
    return { text, exposed: process.platform !== 'win32' && (mode & 0o077) !== 0 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, 'cannot be read', error)
  }
}

/** Puts a text in the file's place: the whole of it is on the disk before it has the name. Throws ERR_WIREGUARD_CONF. */
export async function writeConfText(path: string, text: string): Promise<void> {
  // A link stays a link.
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

/** Runs `work` while nobody else is in here with the same file. Throws ERR_WIREGUARD_CONF. */
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

async function acquire(path: string, lock: string): Promise<void> {
  for (const patient = Date.now() + LOCK_PATIENCE; ; ) {
    try {
      // The last part tells one lock of a process from its next.
      const signature = `${process.pid}@${hostname()} ${randomBytes(8).toString('hex')}`
      await writeFile(lock, signature, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST') {
        // It was made, and there was no room for what is to stand in it.
        if (syscall !== 'open') await rm(lock, { force: true }).catch(() => {})
        throw unusable(path, 'cannot be locked', error)
      }
    }
    const leftOver = await leftOverSignature(lock)
    if (leftOver !== undefined) await takeAway(lock, leftOver)
    else if (Date.now() > patient) {
      throw new MidwireError(
        'ERR_WIREGUARD_CONF',
        `${path} is being written by another process; if there is none, remove ${lock}`,
      )
    } else await new Promise((later) => setTimeout(later, LOCK_RETRY))
  }
}

/** What stands in the lock, where the process that made it was killed before it could take it away; else undefined. */
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
    // The lock has just gone.
    return undefined
  }
}

/**
 * Takes a lock away that is left over. Between the look at it and this its process may have ended as it should, and another one may
 * have made its own: that one is put back.
 */
async function takeAway(lock: string, signature: string): Promise<void> {
  const aside = `${lock}.${randomBytes(4).toString('hex')}`
  try {
    if ((await readFile(lock, 'utf8')) !== signature) return
    await rename(lock, aside)
    if ((await readFile(aside, 'utf8')) !== signature) await link(aside, lock)
  } catch {
    // Another process has taken it away first.
  } finally {
    await rm(aside, { force: true }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** So that the new name outlives a power cut; where folders cannot be synced (Windows) there is nothing to do. */
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
