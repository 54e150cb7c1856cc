// The texts of --help and --options, made from the tables of flags, options and modes.
import {
  type CommandArgument,
  type CommandInfo,
  modeInfos,
  OPTIONS,
  type OptionDefinition,
  type OptionDefinitions,
  type OptionName,
  usageOf,
} from '../index.js'
import { type Flag, OPTION_FLAGS, OWN_FLAGS } from './flags.js'

/** Options that most people need; --options has the rest. */
const COMMON: readonly OptionName[] = [
  ...(['mode', 'via', 'listen_host', 'listen_port', 'endpoint', 'scripts', 'flow_detail', 'ssl_insecure'] as const),
  ...(['save_stream_file', 'rfile', 'hardump'] as const),
  ...(['ignore_hosts', 'allow_hosts', 'tcp_hosts', 'show_ignored_hosts', 'rawtcp', 'showhost'] as const),
]

const INDENT = 30
const WIDTH = 100

export function helpText(): string {
  const common = OPTION_FLAGS.filter(({ option }) => option && COMMON.includes(option))
  return `midwire [flags] [filter]        shows what devices, processes and services say

Without --mode, midwire is a WireGuard server for phones and other devices, and an HTTP proxy.

Commands
${row('midwire [filter]', 'run the proxy; show flows that match the filter')}${row('midwire web [filter]', 'the same, with a page in the browser that shows and steers it')}${row('midwire run -- CMD ARGS', 'run one command through a proxy of its own')}${row('midwire show [filter]', 'recorded flows, also while the proxy runs; one whole; a body')}${row('midwire mcp', 'tools for a model, over stdin and stdout')}${row('midwire demo', 'see it work on this machine, in a second: no phone, no root')}${row('midwire wg show|qr [NAME]', 'WireGuard clients and their configurations; one as a QR code')}${row('midwire wg add|remove NAME', 'give another device keys of its own, or take them away')}${row('midwire ca show|path', 'the certificate that devices are to trust; its file')}${row('midwire transparent up|down', 'firewall rules that bring connections to the proxy (Linux, root)')}${row('midwire cleanup', 'remove what a midwire that was killed has left')}
Flags
${OWN_FLAGS.filter(({ commands }) => commands === undefined)
  .map(flagRow)
  .join('')}${common.map(flagRow).join('')}
Every option of --options is a flag, too: --tcp-timeout 60 is --set tcp_timeout=60.
Options come from config.yaml in the conf dir, then --set, then flags.

Modes, each NAME[:DATA][@[HOST:]PORT][ via PROXIES]
${modeRows()}${row('... via PROXIES', 'what leaves goes through these proxies, as in upstream:PROXY, or a tunnel, wireguard:FILE')}
Examples
${row('midwire', 'scan the QR code with the WireGuard app, then open http://mitm.it')}${row('midwire -m regular@8888', 'an HTTP proxy on port 8888, for curl -x http://localhost:8888')}${row('midwire -m reverse:https://example.com', 'stands in for example.com, on http://localhost:8080')}${row('midwire -m wireguard --via socks5://localhost:9050', 'devices leave by a SOCKS proxy')}${row("midwire --via '/~d example.com/http://proxy:3128'", 'only this host does, in all modes; the rest goes out directly')}${row("midwire '~d example.com & ~m POST'", 'only POST requests to example.com')}${row('midwire -s addon.ts --flow-detail 3', 'run an addon; show headers and bodies')}${row("midwire --json | jq -r '.request.url // empty'", 'for programs: the URL of each HTTP flow')}
Filters: ~d host, ~u URL, ~m method, ~c status, ~http, ~dns, ~tcp, ~udp, ~e failed, ~b body; ! & | ( ).

More: midwire help via, tls, rules, filter, files, views, web, mcp, run, show, replay, wg, ca, transparent,
      cleanup.
`
}

/** A row of two columns for each pair. */
export const rows = (pairs: readonly (readonly [left: string, right: string])[]): string =>
  pairs.map(([left, right]) => row(left, right)).join('')

/** A row of two columns; a long text in the right one is wrapped. */
function row(left: string, right: string): string {
  const lines = left.length + 2 > INDENT ? [''] : []
  for (const word of right.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > WIDTH - INDENT - 2) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  if (left.length + 2 > INDENT) return `  ${left}\n${lines.filter(Boolean).map(below).join('')}`
  if (right === '') return `  ${left}\n`
  return `  ${left.padEnd(INDENT)}${lines[0] ?? ''}\n${lines.slice(1).map(below).join('')}`
}

const below = (line: string) => `${' '.repeat(INDENT + 2)}${line}\n`

export function flagRow({ long, short, off, kind, placeholder, negatable, help }: Flag): string {
  const name = `${short ? `-${short}, ` : off ? `-${off}, ` : ''}--${negatable ? '[no-]' : ''}${long}`
  return row(kind === 'switch' ? name : `${name} ${placeholder ?? 'VALUE'}`, help)
}

function modeRows(): string {
  return modeInfos()
    .map(({ name, description, defaultPort, transports, data }) => {
      const port = `${transports.map((transport) => transport.toUpperCase()).join(' and ')} ${defaultPort}`
      return row(
        data === undefined ? name : `${name}:${data.placeholder}`,
        `${description} (${port})${data ? `; ${data.placeholder}: ${data.help}` : ''}`,
      )
    })
    .join('')
}

/** The text about every option: name, type, default, help. */
export function optionsText(options: OptionDefinitions = OPTIONS): string {
  return Object.entries(options)
    .map(([name, one]) => `${name} (${typeText(one)}; default ${defaultText(one)})\n    ${one.help}\n`)
    .join('')
}

/** The text about every command: usage, types of its arguments, help. */
export function commandsText(commands: readonly CommandInfo[]): string {
  return commands
    .map(
      ({ name, arguments: wanted, help }) =>
        `${usageOf(name, wanted)}\n    ${help}\n${wanted.map(argumentText).join('')}`,
    )
    .join('')
}

const argumentText = ({ name, type, choices }: CommandArgument) =>
  `    ${name.toUpperCase()}: ${choices ? choices.join(' | ') : type}\n`

function typeText({ type, choices, range }: OptionDefinition): string {
  if (choices) return choices.join(' | ')
  if (range && type === 'integer') return `integer, ${range[0]} to ${range[1]}`
  return (
    { strings: 'list of strings', paths: 'list of paths', regexps: 'list of regular expressions' }[type as string] ??
    type
  )
}

function defaultText({ default: value }: OptionDefinition): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none'
  return value === '' ? 'empty' : String(value)
}
