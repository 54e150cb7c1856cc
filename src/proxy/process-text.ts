// The texts of Linux's /proc: which socket is whose end of a connection, and what a process is.
import { ipBytes } from '../addresses.js'
import type { Address } from '../connection.js'

/** The two ends of a client's connection, as the client's process sees them. */
export interface Ends {
  readonly transport: 'tcp' | 'udp'
  /** The client's own end. */
  readonly local: Address
  readonly remote: Address
}

/** The tables of sockets of our network namespace, for both families. An IPv4 socket may be in the table of IPv6, as a mapped address. */
export const TABLES: Readonly<Record<Ends['transport'], readonly string[]>> = {
  tcp: ['self/net/tcp', 'self/net/tcp6'],
  udp: ['self/net/udp', 'self/net/udp6'],
}

/** The state of a socket that listens. Such a socket is never the end of a connection. */
const LISTEN = '0A'

/** How well a socket fits a connection. */
const EXACT = 3
const SAME_LOCAL = 2
const ANY_LOCAL = 1

interface Sought {
  readonly remote: ReadonlySet<string>
  rank: number
  /** Undefined where several sockets fit equally well. */
  inode: number | undefined
}

/** Finds the inodes of sockets in the tables of one transport. */
export class SocketSearch<Of extends Ends> {
  readonly #all = new Map<Of, Sought>()
  readonly #byLocal = new Map<string, { readonly sought: Sought; readonly rank: number }[]>()

  constructor(connections: Iterable<Of>) {
    for (const one of connections) {
      const sought: Sought = { remote: new Set(spellings(one.remote)), rank: 0, inode: undefined }
      this.#all.set(one, sought)
      for (const local of spellings(one.local)) this.#add(local, sought, SAME_LOCAL)
      // A UDP socket that is bound to no address sends from any.
      if (one.transport === 'udp') {
        for (const width of [8, 32]) this.#add(endText('0'.repeat(width), one.local.port), sought, ANY_LOCAL)
      }
    }
  }

  #add(local: string, sought: Sought, rank: number): void {
    const known = this.#byLocal.get(local)
    if (known) known.push({ sought, rank })
    else this.#byLocal.set(local, [{ sought, rank }])
  }

  /** Takes a line of a table. Lines of any other form are skipped. */
  line(line: string): void {
    // `  12: 0100007F:A8AD 0100007F:1F90 01 ...`: most lines are of other sockets, so only the first end is cut out.
    const start = line.indexOf(': ') + 2
    const end = line.indexOf(' ', start)
    if (start < 2 || end < 0) return
    const known = this.#byLocal.get(line.slice(start, end))
    if (!known) return
    const [remote = '', state, , , , , , inodeText] = line
      .slice(end + 1)
      .trim()
      .split(/\s+/)
    const inode = Number(inodeText)
    // A socket that its process has closed has no inode.
    if (state === LISTEN || !Number.isSafeInteger(inode) || inode <= 0) return
    for (const { sought, rank } of known) this.#fits(sought, rank, remote, inode)
  }

  #fits(sought: Sought, rankOfLocal: number, remote: string, inode: number): void {
    const rank = sought.remote.has(remote) && rankOfLocal === SAME_LOCAL ? EXACT : rankOfLocal
    if (rank < sought.rank) return
    // Of a connection whose destination was changed on the way (NAT), the table has another one: the client's end must do.
    sought.inode = rank === sought.rank && sought.inode !== inode ? undefined : inode
    sought.rank = rank
  }

  /** True when every connection has its socket, and the rest of the tables can be left unread. */
  get done(): boolean {
    for (const { rank } of this.#all.values()) if (rank < EXACT) return false
    return true
  }

  /** The connections whose socket was found, by its inode. Several UDP connections may be of one socket. */
  found(): Map<number, Of[]> {
    const found = new Map<number, Of[]>()
    for (const [one, { inode }] of this.#all) {
      if (inode === undefined) continue
      const known = found.get(inode)
      if (known) known.push(one)
      else found.set(inode, [one])
    }
    return found
  }
}

/** An end as the tables write it: for IPv4 as it is in `tcp`, and as a mapped address as it is in `tcp6`. */
function spellings({ address, port }: Address): string[] {
  const bytes = ipBytes(address)
  if (!bytes) return []
  const own = endText(wordsText(bytes), port)
  if (bytes.length !== 4) return [own]
  return [own, endText(wordsText(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes)), port)]
}

const endText = (address: string, port: number) => `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`

/** Linux prints an address as words of 32 bits in the byte order of the machine. */
export function wordsText(bytes: Uint8Array, littleEndian = IS_LITTLE): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) text += view.getUint32(at, littleEndian).toString(16).padStart(8, '0')
  return text.toUpperCase()
}

const IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The inode in the target of a descriptor's link; undefined for what is no socket. */
export function socketInode(link: string): number | undefined {
  const [, inode] = /^socket:\[(\d+)\]$/.exec(link) ?? []
  return inode === undefined ? undefined : Number(inode)
}

/**
 * The mark that tells a process from a later one with the same pid, out of /proc/PID/stat: its start, in ticks after the machine's, and the name
 * of its program, which is another one after exec. Undefined for a text that is no such file.
 */
export function processMark(stat: string): string | undefined {
  // The name may have spaces and parentheses in it, so it ends at the last one.
  const [from, to] = [stat.indexOf('('), stat.lastIndexOf(')')]
  // The start is field 22, and the first after the name is field 3.
  const start = stat.slice(to + 2).split(' ')[19]
  return from < 0 || to < from || !start || !/^\d+$/.test(start) ? undefined : `${start} ${stat.slice(from + 1, to)}`
}

/** The arguments of /proc/PID/cmdline as one text. */
export const commandLineText = (cmdline: string): string => cmdline.replace(/\0+$/, '').replaceAll('\0', ' ')

/** An id of 64 digits as a part of a path, with what runtimes write before it (`docker-`, `:cri-containerd:`) and after it. */
const ID = /(?:^|[/:-])([0-9a-f]{64})(?=\.scope(?:\/|$)|[/.]|$)/g
/** The containers that have a name instead: systemd-nspawn's machines, and LXC's. */
const NAMED =
  /\/(?:machine\.slice\/(?:systemd-nspawn@([^/]+)\.service|machine-([^/]+)\.scope)|lxc(?:\.payload)?[./]([^/]+))/

/**
 * The id of the container of a process, out of its /proc/PID/cgroup: a path for each hierarchy of cgroups. In containers within each
 * other, the innermost. Undefined where the paths name none.
 */
export function containerOfCgroup(cgroup: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    const path = line.split(':').slice(2).join(':')
    // `conmon` is the monitor of Podman's and CRI-O's containers, and runs outside of them.
    if (/-conmon-[0-9a-f]{64}/.test(path)) continue
    const id = [...path.matchAll(ID)].at(-1)?.[1]
    if (id !== undefined) return id
    const [, nspawn, machine, lxc] = NAMED.exec(path) ?? []
    const name = nspawn ?? machine ?? lxc
    if (name !== undefined) return unescaped(name)
  }
  return undefined
}

/** systemd writes characters that are special in its names as `\x2d`. */
const unescaped = (name: string) =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))

/**
 * True where the paths of a cgroup say nothing: midwire and the process are in one private namespace of cgroups (version 2), whose
 * root is all that midwire sees.
 */
export const isCgroupHidden = (cgroup: string): boolean => /^0::\/$/m.test(cgroup)

/**
 * The id of the container of a process, out of its /proc/PID/mountinfo: the engine mounts files over /etc/hostname and its like, out of
 * a directory that has the container's id as its name. Undefined where there is no such mount.
 */
export function containerOfMounts(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [, , , root = '', point = ''] = line.split(' ')
    if (!/^\/etc\/(hostname|hosts|resolv\.conf)$/.test(point)) continue
    const [, id] = /\/(?:containers|overlay-containers|sandboxes)\/([0-9a-f]{64})\//.exec(root) ?? []
    if (id !== undefined) return id
  }
  return undefined
}
