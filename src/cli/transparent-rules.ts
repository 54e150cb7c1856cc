// The commands by which `midwire transparent` sets and removes its rules. Pure: nothing is run here.
import { TRANSPARENT_MARK } from '../index.js'

/** The packets that are to come to the proxy. */
export interface Redirection {
  /** The proxy's port. */
  readonly port: number
  /** The ports that are redirected: `443`, or `8000-8100`. */
  readonly ports: readonly string[]
  /** Packets that arrive on this interface; undefined for every interface but the loopback. */
  readonly interface: string | undefined
  /** The user who runs midwire. Where it is set, the packets of this machine's other users are redirected. */
  readonly uid: number | undefined
  readonly tproxy: boolean
  readonly families: readonly Family[]
}

export type Family = 4 | 6
export type Tool = 'nft' | 'iptables'

export interface Step {
  readonly command: readonly [program: string, ...args: string[]]
  /** The text for the command's stdin. */
  readonly input?: string
  /** True where the command removes what may not be there: its failure is none. */
  readonly mayFail?: boolean
  /** True where the command is repeated until it fails, because what it removes may be there more than once. */
  readonly repeated?: boolean
}

const hex = (mark: number) => `0x${mark.toString(16)}`
const OWN = hex(TRANSPARENT_MARK)
/** The mark of packets that TPROXY brings to midwire. Their routing table has the same number, and so has the priority of its rule. */
const REDIRECTED = TRANSPARENT_MARK + 1
const TABLE = String(REDIRECTED)

/** Removes what an earlier `up` has set, and then sets the rules. So the second `up` in a row changes nothing. */
export function upSteps(wanted: Redirection, tool: Tool): Step[] {
  const routes = wanted.tproxy ? wanted.families.flatMap(routeSteps) : []
  const rules = tool === 'nft' ? [nftStep(nftTable(wanted))] : wanted.families.flatMap((one) => tablesUp(wanted, one))
  return [...downSteps(tool), ...routes, ...rules]
}

/** Removes the rules of every `up`, whatever its flags were. */
export function downSteps(tool: Tool): Step[] {
  const rules = tool === 'nft' ? [nftStep('')] : ([4, 6] as const).flatMap(tablesDown)
  return [...rules, ...([4, 6] as const).flatMap(unrouteSteps)]
}

/** A command as a shell reads it. */
export const commandText = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')

/** A step as a line of a shell script that does the same. */
export function stepText({ command, input, mayFail, repeated }: Step): string {
  const line = commandText(command)
  if (input !== undefined) return `${line} <<'EOF'\n${input}EOF\n`
  if (repeated) return `while ${line} 2>/dev/null; do :; done\n`
  return mayFail ? `${line} 2>/dev/null || true\n` : `${line}\n`
}

// Packets with the mark are delivered to this machine, whatever address they are for.
const routeSteps = (family: Family): Step[] => [
  { command: ['ip', `-${family}`, 'route', 'replace', 'local', 'default', 'dev', 'lo', 'table', TABLE] },
  { command: ['ip', `-${family}`, ...ruleWords('add')] },
]

const unrouteSteps = (family: Family): Step[] => [
  { command: ['ip', `-${family}`, ...ruleWords('del')], repeated: true },
  { command: ['ip', `-${family}`, 'route', 'flush', 'table', TABLE], mayFail: true },
]

const ruleWords = (what: string) => ['rule', what, 'fwmark', hex(REDIRECTED), 'lookup', TABLE, 'priority', TABLE]

/** `delete` fails where there is no table, so it is added first. nft performs all lines at once, or none. */
const nftStep = (table: string): Step => ({
  command: ['nft', '-f', '-'],
  input: `add table inet midwire\ndelete table inet midwire\n${table}`,
})

function nftTable(wanted: Redirection): string {
  const ports = `{ ${wanted.ports.join(', ')} }`
  const arriving = wanted.interface === undefined ? 'iifname != "lo"' : `iifname "${wanted.interface}"`
  const others = `meta skuid != ${wanted.uid}`
  const chains = wanted.tproxy
    ? nftTproxy(wanted, ports, arriving, others)
    : nftRedirect(wanted, ports, arriving, others)
  return `table inet midwire {\n${chains}}\n`
}

function nftRedirect(wanted: Redirection, ports: string, arriving: string, others: string): string {
  const redirect = `tcp dport ${ports} redirect to :${wanted.port}`
  return [
    takesArriving(wanted) ? chain('arriving', 'nat hook prerouting priority -100', [`${arriving} ${redirect}`]) : '',
    wanted.uid === undefined
      ? ''
      : chain('leaving', 'nat hook output priority -100', [`meta mark ${OWN} return`, `${others} ${redirect}`]),
  ].join('')
}

function nftTproxy(wanted: Redirection, ports: string, arriving: string, others: string): string {
  const both = 'meta l4proto { tcp, udp }'
  const mark = hex(REDIRECTED)
  const take = `tproxy to :${wanted.port} meta mark set ${mark} accept`
  const rules = [
    'fib daddr type { broadcast, multicast } return',
    takesArriving(wanted) ? `${arriving} ${both} th dport ${ports} ${take}` : '',
    // The packets of the chain `leaving` come round by the loopback.
    wanted.uid === undefined ? '' : `iifname "lo" meta mark ${mark} ${both} ${take}`,
    // Answers of servers to connections that midwire has opened from a client's address.
    `${both} socket transparent 1 socket wildcard 0 meta mark set ${mark} accept`,
  ]
  const leaving = `${others} ${both} th dport ${ports} meta mark set ${mark}`
  return [
    chain('arriving', 'filter hook prerouting priority -150', rules),
    wanted.uid === undefined
      ? ''
      : chain('leaving', 'route hook output priority -150', [`meta mark ${OWN} return`, leaving]),
  ].join('')
}

const chain = (name: string, type: string, rules: readonly string[]) =>
  `  chain ${name} {\n    type ${type}; policy accept;\n${rules
    .filter(Boolean)
    .map((rule) => `    ${rule}\n`)
    .join('')}  }\n`

/** With a user and without an interface only this machine's own packets are meant. */
const takesArriving = (wanted: Redirection) => wanted.interface !== undefined || wanted.uid === undefined

/** iptables' built-in chains that lead to ours. */
const CHAINS = { PREROUTING: 'MIDWIRE_IN', OUTPUT: 'MIDWIRE_OUT' } as const

type Tables = (...args: string[]) => Step['command']

/** `-w` waits while another program changes the rules. */
const tables =
  (family: Family, table: string): Tables =>
  (...args) => [family === 4 ? 'iptables' : 'ip6tables', '-w', '-t', table, ...args]

function tablesUp(wanted: Redirection, family: Family): Step[] {
  const run = tables(family, wanted.tproxy ? 'mangle' : 'nat')
  const rules = wanted.tproxy ? tablesTproxy(wanted, family) : tablesRedirect(wanted)
  return Object.entries(CHAINS).flatMap(([from, to]) => {
    const ours = rules.filter(([one]) => one === to)
    if (ours.length === 0) return []
    const commands = [run('-N', to), ...ours.map((rule) => run('-A', ...rule)), run('-A', from, '-j', to)]
    return commands.map((command) => ({ command }))
  })
}

const tablesDown = (family: Family): Step[] =>
  ['nat', 'mangle'].flatMap((table) => {
    const run = tables(family, table)
    return Object.entries(CHAINS).flatMap(([from, to]) => [
      { command: run('-D', from, '-j', to), repeated: true },
      { command: run('-F', to), mayFail: true },
      { command: run('-X', to), mayFail: true },
    ])
  })

const arrivingWords = (wanted: Redirection) =>
  wanted.interface === undefined ? ['!', '-i', 'lo'] : ['-i', wanted.interface]

const othersWords = ({ uid }: Redirection) => ['-m', 'owner', '!', '--uid-owner', String(uid)]

const portWords = (wanted: Redirection, protocol: string) =>
  wanted.ports.map((port) => ['-p', protocol, '--dport', port.replace('-', ':')])

function tablesRedirect(wanted: Redirection): string[][] {
  const redirect = ['-j', 'REDIRECT', '--to-ports', String(wanted.port)]
  const ports = portWords(wanted, 'tcp')
  const arriving = ports.map((port) => [CHAINS.PREROUTING, ...arrivingWords(wanted), ...port, ...redirect])
  const leaving = ports.map((port) => [CHAINS.OUTPUT, ...port, ...othersWords(wanted), ...redirect])
  const own = [CHAINS.OUTPUT, '-m', 'mark', '--mark', OWN, '-j', 'RETURN']
  return [...(takesArriving(wanted) ? arriving : []), ...(wanted.uid === undefined ? [] : [own, ...leaving])]
}

function tablesTproxy(wanted: Redirection, family: Family): string[][] {
  const mark = hex(REDIRECTED)
  const take = ['-j', 'TPROXY', '--on-port', String(wanted.port), '--tproxy-mark', mark]
  const ports = ['tcp', 'udp'].flatMap((protocol) => portWords(wanted, protocol))
  const arriving = ports.map((port) => [CHAINS.PREROUTING, ...arrivingWords(wanted), ...port, ...take])
  const round = ['tcp', 'udp'].map((protocol) => [
    ...[CHAINS.PREROUTING, '-i', 'lo', '-p', protocol, '-m', 'mark', '--mark', mark],
    ...take,
  ])
  const answers = ['tcp', 'udp'].map((protocol) => [
    ...[CHAINS.PREROUTING, '-p', protocol, '-m', 'socket', '--transparent'],
    ...['-j', 'MARK', '--set-mark', mark],
  ])
  const leaving = ports.map((port) => [
    ...[CHAINS.OUTPUT, ...port, ...othersWords(wanted)],
    ...['-j', 'MARK', '--set-mark', mark],
  ])
  const many = family === 4 ? ['BROADCAST', 'MULTICAST'] : ['MULTICAST']
  const own = [CHAINS.OUTPUT, '-m', 'mark', '--mark', OWN, '-j', 'RETURN']
  return [
    ...many.map((type) => [CHAINS.PREROUTING, '-m', 'addrtype', '--dst-type', type, '-j', 'RETURN']),
    ...(takesArriving(wanted) ? arriving : []),
    ...(wanted.uid === undefined ? [] : round),
    ...answers,
    ...(wanted.uid === undefined ? [] : [own, ...leaving]),
  ]
}
