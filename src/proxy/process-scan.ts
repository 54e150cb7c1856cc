// Finds the processes of sockets in Linux's /proc, for any number of connections in one pass.
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises'
import type { ClientProcess } from '../connection.js'
import {
  commandLineText,
  containerOfCgroup,
  containerOfMounts,
  type Ends,
  isCgroupHidden,
  processMark,
  SocketSearch,
  socketInode,
  TABLES,
} from './process-text.js'

/** The bytes that are read of a table of sockets, about 200,000 sockets. What comes after them is not found. */
const MAX_TABLE = 32 * 1024 * 1024
/** The bytes that are read of one file of a process, and of its command line. */
const MAX_FILE = 64 * 1024
const MAX_COMMAND_LINE = 4096
/** The descriptors of a process that are read at once: each takes a turn of one of Node's four threads. */
const AT_ONCE = 32
/** The processes that are remembered, those that were found last. */
const MAX_KNOWN = 64

interface Known {
  readonly mark: string
  readonly process: ClientProcess
}

export class ProcessScan {
  readonly #root: string
  /** By pid; those that were found last stand at the end, and are looked at first. */
  readonly #known = new Map<number, Known>()

  /** `root` is where /proc is; another one is for tests. */
  constructor(root = '/proc') {
    this.#root = root
  }

  /**
   * Calls `found` with each connection whose process was found. Gives up where `isOver` says so, between two steps. Never rejects.
   */
  async run<Of extends Ends>(
    connections: readonly Of[],
    found: (one: Of, process: ClientProcess) => void,
    isOver: () => boolean,
  ): Promise<void> {
    const sockets = new Map<number, Of[]>()
    for (const transport of ['tcp', 'udp'] as const) {
      const search = new SocketSearch(connections.filter((one) => one.transport === transport))
      for (const table of TABLES[transport]) if (!search.done) await this.#readTable(table, search, isOver)
      for (const [inode, ones] of search.found()) sockets.set(inode, ones)
    }
    if (sockets.size === 0) return
    const tried = new Set<number>()
    const look = async (pid: number): Promise<boolean> => {
      if (sockets.size === 0 || isOver()) return false
      if (!tried.has(pid)) await this.#lookAt(pid, sockets, found)
      tried.add(pid)
      return true
    }
    for (const pid of [...this.#known.keys()].reverse()) if (!(await look(pid))) return
    for (const pid of await this.#pids()) if (!(await look(pid))) return
  }

  async #readTable(table: string, search: SocketSearch<Ends>, isOver: () => boolean): Promise<void> {
    let rest = ''
    await this.#read(table, MAX_TABLE, (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) search.line(line)
      return !search.done && !isOver()
    })
  }

  /** The processes, the newest first as a rule: a client that was started for one request has the highest number. midwire is the last. */
  async #pids(): Promise<number[]> {
    const names = await readdir(this.#root).catch(() => [])
    const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
    const rank = (pid: number) => (pid === process.pid ? -1 : pid)
    return pids.sort((one, other) => rank(other) - rank(one))
  }

  /** Takes the sockets of a process out of `sockets`. */
  async #lookAt<Of>(
    pid: number,
    sockets: Map<number, Of[]>,
    found: (one: Of, process: ClientProcess) => void,
  ): Promise<void> {
    const folder = `${this.#root}/${pid}/fd`
    // The processes of other users cannot be read without root's rights, and any process may end now.
    const descriptors = (await readdir(folder).catch(() => [])).reverse()
    for (let at = 0; at < descriptors.length && sockets.size > 0; at += AT_ONCE) {
      const links = descriptors.slice(at, at + AT_ONCE).map((name) => readlink(`${folder}/${name}`).catch(() => ''))
      for (const link of await Promise.all(links)) {
        const inode = socketInode(link)
        const ones = inode === undefined ? undefined : sockets.get(inode)
        if (inode === undefined || !ones) continue
        sockets.delete(inode)
        const process = await this.#identify(pid)
        if (process) for (const one of ones) found(one, process)
      }
    }
  }

  async #identify(pid: number): Promise<ClientProcess | undefined> {
    const folder = `${pid}`
    const mark = processMark(await this.#text(`${folder}/stat`, MAX_FILE))
    if (mark === undefined) return undefined
    let known = this.#known.get(pid)
    this.#known.delete(pid)
    // A pid is used again. The start of the process tells whether it is the one that was remembered.
    if (known?.mark !== mark) {
      const [path, commandLine, container] = await Promise.all([
        readlink(`${this.#root}/${folder}/exe`).catch(() => undefined),
        this.#text(`${folder}/cmdline`, MAX_COMMAND_LINE),
        this.#container(folder),
      ])
      known = { mark, process: { pid, path, commandLine: commandLineText(commandLine), container } }
      if (processMark(await this.#text(`${folder}/stat`, MAX_FILE)) !== mark) return undefined
    }
    this.#known.set(pid, known)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(oldest)
    }
    return known.process
  }

  async #container(folder: string): Promise<string | undefined> {
    const cgroup = await this.#text(`${folder}/cgroup`, MAX_FILE)
    const container = containerOfCgroup(cgroup)
    if (container !== undefined || !isCgroupHidden(cgroup)) return container
    return containerOfMounts(await this.#text(`${folder}/mountinfo`, MAX_FILE))
  }

  /** The beginning of a file; empty for a file that cannot be read. */
  async #text(path: string, max: number): Promise<string> {
    let all = ''
    await this.#read(path, max, (text) => {
      all += text
      return true
    })
    // The pieces have a character for each byte, so that a piece may end within a character of UTF-8.
    return Buffer.from(all, 'latin1').toString()
  }

  /** Reads a file in pieces, up to `max` bytes, as long as `take` wants more. The files of /proc do not say how long they are. */
  async #read(path: string, max: number, take: (text: string) => boolean): Promise<void> {
    let file: FileHandle | undefined
    try {
      file = await open(`${this.#root}/${path}`)
      const buffer = Buffer.allocUnsafe(Math.min(max, 16 * 1024))
      for (let total = 0; total < max; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, max - total), null)
        total += bytesRead
        if (bytesRead === 0 || !take(buffer.toString('latin1', 0, bytesRead))) return
      }
    } catch {
      // The process has ended, or belongs to another user: what was read of it until now is used.
    } finally {
      await file?.close().catch(() => {})
    }
  }
}
