// Finds the original destination of a redirected connection in what `pfctl -s state` prints (macOS, FreeBSD).
// Written from pfctl(8), pf.conf(5) and what others read out of that output: it has not been tried on a machine with pf.
import { execFile } from 'node:child_process'
import { addressOf } from '../addresses.js'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'

/** Lines longer than this are none of pf's. */
const MAX_LINE = 1000

/** Connections that wait for the states. Each listing costs a process, and all that wait for it share it. */
const MAX_WAITING = 1_000
/** Milliseconds for a listing, and its bytes: some 100,000 states. */
const LIST_MILLISECONDS = 5_000
const MAX_LIST = 16 << 20

/** Looks up connections in the states of pf, as `list` gives them. */
export class PfStates {
  readonly #list: () => Promise<string>
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<string> | undefined
  #waiting = 0

  constructor(list: () => Promise<string>) {
    this.#list = list
  }

  /** `pfDestination` of the states as they are now. Rejects with the errors of the listing; ERR_EXHAUSTED where too many wait. */
  async find(client: Address): Promise<Address | undefined> {
    if (this.#waiting >= MAX_WAITING)
      throw new MidwireError('ERR_EXHAUSTED', `${MAX_WAITING} connections wait for pfctl`)
    this.#waiting += 1
    try {
      return pfDestination(await this.#listing(), client)
    } finally {
      this.#waiting -= 1
    }
  }

  /** One that runs already may be older than the connection, so that the next one is waited for. */
  #listing(): Promise<string> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const listing = this.#list()
      this.#running = listing.catch(() => {})
      return listing
    })
    return this.#next
  }
}

/** The command that lists the states of pf. Its user is root, or one whom sudo lets run it without a password. */
export const stateCommand = (isRoot: boolean): readonly [string, ...string[]] => {
  const command = ['/sbin/pfctl', '-s', 'state'] as const
  return isRoot ? [...command] : ['sudo', '-n', ...command]
}

/** Runs that command. Rejects with ERR_COMMAND. */
export function listStates(): Promise<string> {
  const [program, ...args] = stateCommand(process.getuid?.() === 0)
  const bounds = { timeout: LIST_MILLISECONDS, maxBuffer: MAX_LIST }
  return new Promise((resolve, reject) => {
    execFile(program, args, bounds, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const what = [program, ...args].join(' ')
      const why = stderr.trim().split('\n')[0] || error.message
      const hint = 'midwire needs root, or a line of sudoers that allows this command without a password'
      reject(new MidwireError('ERR_COMMAND', `${what}: ${why}: ${hint}`, { cause: error }))
    })
  })
}

/**
 * The address that the client wanted, before pf's `rdr` or `route-to` turned the connection to this machine. Undefined where no
 * established TCP state has this client. The forms of a state are:
 *
 *     ALL tcp 127.0.0.1:8080 <- 192.0.2.1:80 <- 198.51.100.7:40000       ESTABLISHED:ESTABLISHED    (macOS, rdr)
 *     all tcp 127.0.0.1:8080 (192.0.2.1:80) <- 198.51.100.7:40000       ESTABLISHED:ESTABLISHED    (FreeBSD, rdr)
 *     ALL tcp 198.51.100.7:40000 -> 192.0.2.1:80       ESTABLISHED:ESTABLISHED    (route-to)
 *     ALL tcp ::1[8080] <- 2001:db8::1[80] <- 2001:db8::7[40000]       ESTABLISHED:ESTABLISHED    (IPv6)
 */
export function pfDestination(states: string, client: Address): Address | undefined {
  const { address, port } = addressOf(client.address, client.port)
  const isClient = (end: Address | undefined) => end?.address === address && end.port === port
  for (const line of states.split('\n')) {
    if (line.length > MAX_LINE || !line.includes('ESTABLISHED:ESTABLISHED')) continue
    const [, protocol, ...words] = line.trim().split(/\s+/)
    if (protocol !== 'tcp') continue
    const arrow = words.find((word) => word === '<-' || word === '->')
    const ends = words.slice(0, -1).filter((word) => word !== arrow)
    if (arrow === '->') {
      // The last end is the server. The others are the client, before and after its address was translated.
      const server = endOf(ends.at(-1))
      if (server && ends.slice(0, -1).some((end) => isClient(endOf(end)))) return server
    } else if (arrow === '<-' && ends.length === 3 && isClient(endOf(ends[2]))) {
      // The first end is the proxy. With two ends the connection was opened to the proxy itself.
      const wanted = endOf(ends[1])
      if (wanted) return wanted
    }
  }
  return undefined
}

/** `192.0.2.1:80` or `2001:db8::1[80]`, also in parentheses. */
function endOf(text = ''): Address | undefined {
  const plain = text.replace(/^\((.*)\)$/, '$1')
  const [, host, port] = /^([\d.]+):(\d{1,5})$/.exec(plain) ?? /^([\da-f:.]+(?:%\w+)?)\[(\d{1,5})\]$/i.exec(plain) ?? []
  return host === undefined || Number(port) > 65_535 ? undefined : addressOf(host, Number(port))
}
