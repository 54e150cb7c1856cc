// Every error code with its sentence, and the class of midwire's errors.

/** The sentences say what is wrong, where, and what to do. The code that throws fills in `{}`. */
const SENTENCES = {
  ERR_ARGUMENT: '{}',
  ERR_KEY:
    '{} is not a WireGuard key: it must be 32 bytes in base64, 44 characters that end in =; `wg genkey` or generatePrivateKey() make one',
  ERR_ADDRESS: '{}: write an IPv4 or IPv6 address, without brackets, port or name',
  ERR_PORT: '{}: a port is a whole number from 0 to 65535, 0 being any free one',
  ERR_PEER_DUPLICATE: '{}: every peer needs a key pair of its own',
  ERR_PEER_ADDRESSES: '{}: give every peer allowedIps that no other peer has',
  ERR_ADDRESS_IN_USE: '{}: end the program that has it, or choose another port (0 takes a free one)',
  ERR_ADDRESS_NOT_AVAILABLE: '{}: choose an address of this machine, or leave host out to listen on all of them',
  ERR_PERMISSION: '{}: ports below 1024 may need rights that this process does not have; choose a higher one',
  ERR_ROOT: '{}: this needs root, or the capability CAP_NET_ADMIN',
  ERR_COMMAND: '{}',
  ERR_REPLAY: '{}',
  ERR_NATIVE_MISSING: '{}',
  ERR_NATIVE_PANIC: '{}: this is a fault of midwire; please report it with this message',
  ERR_NATIVE: '{}',
  ERR_SERVER_CLOSED: '{}',
  ERR_NO_ROUTE: '{}: add the address to the allowedIps of the peer that leads to it',
  ERR_MODE: 'mode {}',
  ERR_VIA:
    'via {}: write direct, or proxies with commas between: http://user:password@host:port, https://, socks5:// or socks4a://, before them a tunnel, wireguard:FILE',
  ERR_OPTION: '{}',
  ERR_HOOK: '{}',
  ERR_FILTER: 'filter: {}',
  ERR_FLOW_FILE: '{}',
  ERR_WIREGUARD_CONF: '{}',
  ERR_SCRIPT: 'the script cannot be run: {}',
  ERR_AUTHORITY: '{}',
  ERR_CONFDIR: '{}; choose another directory with --confdir, or with MIDWIRE_CONFDIR',
  ERR_BODY_STREAMED: '{}',
  ERR_TIMEOUT: '{}',
  ERR_CLOSED: '{}',
  ERR_EXHAUSTED: '{}: close some connections first',
} as const

export type ErrorCode = keyof typeof SENTENCES

/** An error of midwire: a call was refused, or has failed. Streams fail with errors of Node's own codes instead. */
export class MidwireError extends Error {
  /** The codes stay the same from version to version. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(
      SENTENCES[code].replace('{}', () => detail),
      options,
    )
    this.name = 'MidwireError'
    this.code = code
  }
}

/**
 * The known name that a wrong one was most likely meant to be; undefined where none is near. At most a third of the known name's
 * letters may differ, but always one, and never more than `most` (default 3).
 */
export function nearest(wrong: string, known: readonly string[], most = 3): string | undefined {
  const word = wrong.slice(0, 100).toLowerCase()
  const [first] = known
    .map((name) => ({ name, distance: distance(word, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.min(most, Math.floor(name.length / 3))))
    .sort((a, b) => a.distance - b.distance)
  return first?.name
}

/** The number of letters that have to be added, removed, changed or swapped with the next one (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((row[j - 1] ?? 0) + same, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
