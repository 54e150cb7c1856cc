// The machine's hosts file: names whose addresses come from there and not from a name server.
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { canonicalName } from '../flow/host-name.js'

/** Milliseconds before the file is checked for a change again. */
const FRESH = 2_000

/** Bytes. A larger file counts as empty; block lists of several megabytes are in use. */
const MAX_SIZE = 64 * 1024 * 1024

export const HOSTS_FILE =
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

export class HostsFile {
  readonly #path: string
  #names: ReadonlyMap<string, readonly string[]> = new Map()
  #version = ''
  #checkedAt = 0
  #loading: Promise<void> | undefined

  constructor(path = HOSTS_FILE) {
    this.#path = path
  }

  /** The addresses of a name, of both families and in the file's order; undefined where the file does not have the name. */
  async find(name: string): Promise<readonly string[] | undefined> {
    if (Date.now() - this.#checkedAt > FRESH) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined
        this.#checkedAt = Date.now()
      })
      await this.#loading
    }
    return this.#names.get(canonicalName(name))
  }

  /** Reads the file if it has changed. A file that cannot be read counts as empty. */
  async #load(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path)
      const version = `${mtimeMs} ${size} ${ino}`
      if (version === this.#version) return
      this.#names = size > MAX_SIZE ? new Map() : parseHosts(await readFile(this.#path, 'utf8'))
      this.#version = version
    } catch {
      this.#names = new Map()
      this.#version = ''
    }
  }
}

/** Names, as `canonicalName` has them, with their addresses; lines of any other form are skipped, as other readers of the file do. */
export function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...rest] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    // An address with a zone is skipped, because the zone is a name of this machine, which other machines cannot use.
    if (rest.length === 0 || isIP(address) === 0 || address.includes('%')) continue
    for (const name of rest) {
      const key = canonicalName(name)
      const known = names.get(key)
      if (!known) names.set(key, [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return names
}
