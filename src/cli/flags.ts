// The table of flags: those that only the command has, and one for each option (`--flow-detail` is the option flow_detail).
import { OPTIONS, type OptionName } from '../index.js'

export interface Flag {
  /** The name of the flag without its dashes. */
  readonly long: string
  readonly short?: string
  /** The option that the flag sets; undefined for a flag that only the command has. */
  readonly option?: OptionName
  readonly kind: 'switch' | 'value' | 'values'
  /** The word for the value in --help. */
  readonly placeholder?: string
  /** True where there is a flag `--no-NAME`, too. */
  readonly negatable: boolean
  /** The letter of `--no-NAME`. */
  readonly off?: string
  /** The commands that have the flag; their help topics explain the flag, and --help leaves it out. Undefined where none is needed. */
  readonly commands?: readonly string[]
  readonly help: string
}

const own = (long: string, help: string, more: Partial<Flag> = {}): Flag => {
  return { long, kind: 'switch', negatable: false, help, ...more }
}

export const OWN_FLAGS: readonly Flag[] = [
  own('help', 'this text', { short: 'h' }),
  own('version', "midwire's version"),
  own('options', 'every option with its type, default and help; with -s those of scripts, too'),
  own('commands', 'every command with its arguments and help, for programs and addons; with -s those of scripts, too'),
  own('set', 'set an option: --set NAME=VALUE, --set NAME for true; repeat it for lists', {
    kind: 'values',
    placeholder: 'NAME=VALUE',
  }),
  own('quiet', 'no output but errors', { short: 'q' }),
  own('verbose', 'show headers, and the whole log', { short: 'v' }),
  own('confdir', 'keys, certificates and config.yaml (default ~/.midwire, or MIDWIRE_CONFDIR)', {
    kind: 'value',
    placeholder: 'DIR',
  }),
  own('json', 'stdout is JSON lines: one when the proxy listens, then one for each flow that is over'),
  own('color', 'colours, also where stdout is no terminal', { negatable: true }),
  ...transparentFlags(),
  own('output', 'flows go to this file, and not to stderr', { kind: 'value', placeholder: 'FILE', commands: ['run'] }),
  ...showFlags(),
  own('allow-changes', 'models may change things, too: replay, mocks, breakpoints, modes', {
    commands: ['web', 'mcp'],
  }),
  own('url', 'the page of a midwire that runs, as midwire web has printed it', {
    kind: 'value',
    placeholder: 'URL',
    commands: ['mcp'],
  }),
  own('public-key', 'wg add: the key of a client that keeps its private key', { kind: 'value', placeholder: 'KEY' }),
]

function transparentFlags(): Flag[] {
  const value = (placeholder: string) => ({ kind: 'value', placeholder, commands: ['transparent'] }) as const
  const name = { commands: ['transparent'] }
  return [
    own('interface', 'redirect what arrives on this interface', value('IF')),
    own('uid', 'redirect what programs of this machine open, but for those of USER', value('USER')),
    own('ports', 'the ports that are redirected (default 80,443)', value('LIST')),
    own('port', "the proxy's port (default 8080)", value('PORT')),
    own('tproxy', 'TPROXY in place of REDIRECT: UDP, too', name),
    own('dry-run', 'print the commands, and run none', { commands: ['transparent', 'cleanup'] }),
  ]
}

function showFlags(): Flag[] {
  const commands = ['show']
  return [
    own('limit', 'no more than the newest N flows', { kind: 'value', placeholder: 'N', commands }),
    own('follow', 'go on with flows as they end, until Ctrl-C', { commands }),
    own('body', 'the bytes of a body, as they passed: request or response', {
      kind: 'value',
      placeholder: 'SIDE',
      commands,
    }),
  ]
}

const SHORT: Partial<Record<OptionName, string>> = {
  mode: 'm',
  listen_port: 'p',
  scripts: 's',
  ssl_insecure: 'k',
  modify_headers: 'H',
  modify_body: 'B',
  map_remote: 'M',
  client_replay: 'C',
  rfile: 'r',
  save_stream_file: 'w',
  server_replay: 'S',
}

const PLACEHOLDERS: Partial<Record<OptionName, string>> = {
  mode: 'SPEC',
  via: 'WAY',
  listen_host: 'HOST',
  listen_port: 'PORT',
  scripts: 'FILE',
  rfile: 'FILE',
  readfile_filter: 'FILTER',
  save_stream_file: '[+]FILE',
  save_stream_filter: 'FILTER',
  hardump: 'FILE',
  endpoint: 'HOST',
  proxyauth: 'SPEC',
  upstream_auth: 'USER:PASSWORD',
  certs: '[DOMAIN=]FILE',
  modify_headers: 'RULE',
  modify_body: 'RULE',
  map_remote: 'RULE',
  map_local: 'RULE',
  block_list: 'RULE',
  stickycookie: 'FILTER',
  stickyauth: 'FILTER',
  client_replay: 'FILE',
  redact: 'NAMES',
  throttle: 'RULE',
  server_replay: 'FILE',
}

export const OPTION_FLAGS: readonly Flag[] = (Object.keys(OPTIONS) as OptionName[]).map((option) => {
  const { type, help } = OPTIONS[option]
  const kind = type === 'boolean' ? 'switch' : ['strings', 'paths', 'regexps'].includes(type) ? 'values' : 'value'
  const short = SHORT[option]
  const placeholder = PLACEHOLDERS[option] ?? (type === 'regexps' ? 'REGEX' : type.toUpperCase())
  const negatable = type === 'boolean'
  const letters = { ...(short && { short }), ...(option === 'server' && { off: 'n' }) }
  return { long: option.replaceAll('_', '-'), option, kind, placeholder, negatable, help, ...letters }
})

export const FLAGS: readonly Flag[] = [...OWN_FLAGS, ...OPTION_FLAGS]
