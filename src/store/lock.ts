// The lock of the process that writes a store. It does not outlive its process, however that ends.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** The locks that this process holds. Its id alone does not tell: after a crash in a container the next process may have the same. */
const held = new Set<string>()

/** How often a lock that is left over is taken away, before another process that does the same is let win. */
const ATTEMPTS = 5

export class Lock {
  readonly #path: string
  readonly #signature: string

  private constructor(path: string, signature: string) {
    this.#path = path
    this.#signature = signature
  }

  /** Takes the lock of a folder. The id of the process that has it where another does. Throws where the folder cannot be written to. */
  static take(folder: string): Lock | number {
    const path = join(folder, 'lock')
    const random = Math.random().toString(36).slice(2)
    const signature = `${process.pid} ${startOf(process.pid) ?? '-'} ${hostname()} ${random}`
    const own = `${path}.${process.pid}.${random}.tmp`
    try {
      writeFileSync(own, signature, { flag: 'wx', mode: 0o600 })
      for (let attempt = 1; ; attempt++) {
        try {
          // A link, and not a new file: at no time is there a lock without a signature.
          linkSync(own, path)
          held.add(path)
          return new Lock(path, signature)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
        const owner = ownerOf(path)
        if (owner !== undefined || attempt === ATTEMPTS) return owner ?? 0
        removeLeftOver(path)
      }
    } finally {
      rmSync(own, { force: true })
    }
  }

  release(): void {
    held.delete(this.#path)
    if (textOf(this.#path) === this.#signature) rmSync(this.#path, { force: true })
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The process that has the lock and runs; undefined for a lock that is left over, and where there is none. */
function ownerOf(path: string): number | undefined {
  const [id = '', start, host] = (textOf(path) ?? '').split(' ')
  const pid = Number(id)
  if (!/^\d+$/.test(id)) return undefined
  // Of another machine's processes, in a folder that both share, nothing is known.
  if (host !== hostname()) return pid
  if (pid === process.pid) return held.has(path) ? pid : undefined
  if (!isAlive(pid)) return undefined
  const now = startOf(pid)
  return now === undefined || start === '-' || now === start ? pid : undefined
}

/**
 * Takes away a lock that is left over. Another process may have done so in the meantime, and made its own: that one is put back.
 */
function removeLeftOver(path: string): void {
  const text = textOf(path)
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    renameSync(path, aside)
    if (textOf(aside) !== text) linkSync(aside, path)
  } catch {
    // Another process was first.
  } finally {
    rmSync(aside, { force: true })
  }
}

/** When a process has started, in the words of Linux (proc(5), stat, field 22); undefined elsewhere. */
function startOf(pid: number): string | undefined {
  const text = textOf(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
