// The machine's hosts file: names with addresses that no name server is asked for.
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { canonicalName } from '../flow/host-name.js'

/** Milliseconds for which the file is not looked at again. */
const FRESH = 2_000

/** Bytes; block lists of several megabytes are in use. What is larger is not read. */
const MAX_SIZE = 64 * 1024 * 1024

export const HOSTS_FILE =
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

export class HostsFile {
  readonly #path: string
  #names: ReadonlyMap<string, readonly string[]> = new Map()
  #version = ''
  #checked = 0
  #loading: Promise<void> | undefined

  constructor(path = HOSTS_FILE) {
    this.#path = path
  }

  /** The addresses of a name, of both families and in the order of the file; undefined where it is not in the file. */
  async find(name: string): Promise<readonly string[] | undefined> {
    if (Date.now() - this.#checked > FRESH) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined
        this.#checked = Date.now()
      })
      await this.#loading
    }
    return this.#names.get(canonicalName(name))
  }

  /** Reads the file if it has changed. A file that cannot be read is an empty one. */
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

/** Names, as `canonicalName` has them, with their addresses; lines that are none are passed over, as everybody does. */
export function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...rest] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    // An address with a zone means something on this machine only.
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
