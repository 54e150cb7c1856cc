// `midwire transparent`: sets and removes the firewall's rules that bring connections to a transparent proxy.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { MidwireError } from '../index.js'
import type { Arguments } from './arguments.js'
import type { Streams } from './streams.js'
import {
  downSteps,
  type Family,
  type Redirection,
  type Step,
  stepText,
  type Tool,
  upSteps,
} from './transparent-rules.js'

/** The most times that a command is repeated until it fails. */
const MAX_REPEATS = 100

/** Throws a MidwireError. */
export async function transparent(args: Arguments, { stdout, stderr }: Streams): Promise<number> {
  const [, what, ...more] = args.words
  if ((what !== 'up' && what !== 'down') || more.length > 0) {
    throw new MidwireError('ERR_ARGUMENT', 'midwire transparent: up, or down; midwire help transparent says more')
  }
  const wanted = what === 'up' ? redirection(args) : undefined
  const isDry = args.ofCommand.get('dry-run') === true
  if (!isDry && process.platform !== 'linux') {
    throw new MidwireError('ERR_COMMAND', 'midwire transparent knows the firewall of Linux only')
  }
  if (!isDry && !mayChangeNetwork()) throw new MidwireError('ERR_ROOT', `midwire transparent ${what}`)
  const tool = firewall(isDry)
  const steps = wanted ? upSteps(wanted, tool) : downSteps(tool)
  for (const [at, step] of steps.entries()) {
    stdout.write(stepText(step))
    if (isDry) continue
    try {
      run(step)
    } catch (error) {
      // Half of the rules would be worse than none.
      if (wanted && at > 0) {
        stderr.write('midwire: the rules that were set are removed again\n')
        for (const undo of downSteps(tool)) run({ ...undo, mayFail: true })
      }
      throw error
    }
  }
  if (wanted && !isDry) stderr.write(hints(wanted))
  return 0
}

/**
 * Does what `down` does, for `midwire cleanup`. The answer is why it cannot be done, where there may be rules; there are none where the
 * system has no firewall that `up` knows.
 */
export function removeRules(stdout: Streams['stdout'], isDry: boolean): string | undefined {
  if (process.platform !== 'linux') return undefined
  const tool = installed()
  if (!tool) return undefined
  if (!isDry && !mayChangeNetwork()) return new MidwireError('ERR_ROOT', 'to look for them and remove them').message
  for (const step of downSteps(tool)) {
    stdout.write(stepText(step))
    if (!isDry) run(step)
  }
  return undefined
}

/** CAP_NET_ADMIN, which root has, but not in every container. */
function mayChangeNetwork(): boolean {
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return (BigInt(`0x${effective}`) & (1n << 12n)) !== 0n
}

/** The redirection that the flags ask for. Throws ERR_ARGUMENT. */
function redirection(args: Arguments): Redirection {
  const text = (name: string) => args.ofCommand.get(name) as string | undefined
  const device = text('interface')
  // nft has * for many interfaces, and iptables has +.
  if (device !== undefined && !/^[\w.@:-]{1,15}$/.test(device)) throw wrong(`--interface ${device} is no interface`)
  const [port = 0, ...others] = portsIn(text('port') ?? String(args.given.get('listen_port')?.value ?? 8080), '--port')
  if (others.length > 0) throw wrong('--port wants one port')
  const uid = text('uid')
  return {
    port: Number(port),
    ports: portsIn(text('ports') ?? '80,443', '--ports'),
    interface: device,
    uid: uid === undefined ? undefined : userId(uid),
    tproxy: args.ofCommand.get('tproxy') === true,
    families: hasIpv6() ? [4, 6] : [4],
  }
}

function portsIn(text: string, flag: string): string[] {
  const ports = text.split(',').map((one) => one.trim())
  for (const one of ports) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(one) ?? []
    const isRange = flag === '--ports' || !one.includes('-')
    const [low, high] = [Number(first), Number(last)]
    if (!isRange || !(low >= 1 && low <= high && high <= 65_535)) {
      const form =
        flag === '--ports' ? 'ports from 1 to 65535 and ranges, as in 80,443,8000-8100' : 'a port from 1 to 65535'
      throw wrong(`${flag} ${text}: write ${form}`)
    }
  }
  return [...new Set(ports)]
}

/** The system knows users that stand in no file of this machine. */
function userId(user: string): number {
  if (/^\d{1,9}$/.test(user)) return Number(user)
  const { stdout } = spawnSync('id', ['-u', '--', user], { encoding: 'utf8' })
  if (!/^\d+\s*$/.test(stdout ?? '')) throw wrong(`--uid ${user}: there is no such user`)
  return Number(stdout)
}

/** False where the kernel has no IPv6, or its loopback has none. */
function hasIpv6(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/lo/disable_ipv6', 'utf8').trim() === '0'
  } catch {
    return false
  }
}

/** The environment for programs of the system. npm puts those of packages in front of them, and one of these is called nft, too. */
function systemPrograms(): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env
  const folders = PATH.split(delimiter).filter((folder) => !/[\\/]node_modules[\\/]/.test(folder))
  return { ...process.env, PATH: folders.join(delimiter) }
}

/** nft, or iptables where there is no nft. */
function installed(): Tool | undefined {
  const has = (program: string) => spawnSync(program, ['--version'], { env: systemPrograms() }).error === undefined
  return has('nft') ? 'nft' : has('iptables') ? 'iptables' : undefined
}

/** The same; throws ERR_COMMAND where there is neither, but for a dry run. */
function firewall(isDry: boolean): Tool {
  const tool = installed() ?? (isDry ? 'nft' : undefined)
  if (tool) return tool
  throw new MidwireError(
    'ERR_COMMAND',
    'neither nft nor iptables is installed here: apt install nftables, for instance',
  )
}

/** Throws ERR_COMMAND, with what the command has said. */
function run({ command: [program, ...args], input, mayFail, repeated }: Step): void {
  for (let times = 0; times < (repeated ? MAX_REPEATS : 1); times++) {
    const { error, status, stderr } = spawnSync(program, args, {
      input: input ?? '',
      encoding: 'utf8',
      env: systemPrograms(),
    })
    if (!error && status === 0) continue
    if (mayFail || repeated) return
    const reason = error ? error.message : stderr.trim() || `exit code ${status}`
    throw new MidwireError('ERR_COMMAND', `${[program, ...args].join(' ')}: ${reason.replace(/\s*\n\s*/g, '; ')}`)
  }
}

function hints({ uid, families }: Redirection): string {
  const isOff = (path: string) => {
    try {
      return readFileSync(path, 'utf8').trim() === '0'
    } catch {
      return false
    }
  }
  const forwarding: Readonly<Record<Family, string>> = { 4: 'ipv4/ip_forward', 6: 'ipv6/conf/all/forwarding' }
  const off = families.map((family) => forwarding[family]).filter((name) => isOff(`/proc/sys/net/${name}`))
  const lines = off.map((name) => `sysctl -w net.${name.replaceAll('/', '.')}=1`)
  const forward = uid === undefined && off.length > 0
  return [
    forward ? `This machine does not forward what is not redirected; for devices: ${lines.join('; ')}\n` : '',
    'The rules stay until: midwire transparent down\n',
  ].join('')
}

const wrong = (text: string) => new MidwireError('ERR_ARGUMENT', text)
