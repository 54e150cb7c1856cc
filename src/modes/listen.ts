// The address that a mode listens on: from its spec, else from the options, else its default; and the errors of an address that is taken.
import { bracketed, hostPort } from '../addresses.js'
import { MidwireError } from '../errors.js'
import type { Options } from '../options/definitions.js'
import type { ListenDefaults, Mode, ModeSpec } from './mode.js'
import { quotedSpec, shownSpec } from './quoted.js'

export type ListenOptions = Pick<Options, 'listen_host' | 'listen_port'>

export interface ListenAddress {
  /** Without brackets; empty for every address. */
  readonly host: string
  readonly port: number
}

/** The port and the transports of a mode, where the spec's data may settle them. Throws ERR_MODE. */
export const defaultsOf = (spec: ModeSpec, mode: Mode): ListenDefaults => ({ ...mode, ...mode.parse?.(spec) })

export function listenAddress(spec: ModeSpec, mode: Mode, options: ListenOptions): ListenAddress {
  const host = spec.host ?? (options.listen_host === '' ? mode.defaultHost : options.listen_host)
  return {
    host: host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'),
    port: spec.port ?? options.listen_port ?? defaultsOf(spec, mode).defaultPort,
  }
}

const NO_SUCH_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NONAME'])

/**
 * The error to throw when a mode cannot listen. For a port that is taken, and that the spec does not name itself, the message suggests a
 * spec with another port, beside the other modes' specs (`all` holds every spec, this one too); for a host name that cannot be found it
 * names the host. Any other error is returned unchanged.
 */
export function listenError(
  error: unknown,
  spec: ModeSpec,
  mode: Mode,
  { host, port }: ListenAddress,
  all: readonly ModeSpec[],
): unknown {
  if (NO_SUCH_NAME.has((error as NodeJS.ErrnoException).code ?? '')) {
    const what = `mode ${quotedSpec(spec.text)}: the host name ${JSON.stringify(host)} to listen on cannot be found`
    return new MidwireError('ERR_ADDRESS_NOT_AVAILABLE', what, { cause: error })
  }
  if (!(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_IN_USE') return error
  const [first = 'tcp'] = defaultsOf(spec, mode).transports
  // A mode may listen by both transports, and the port may be taken in one of them. The error names that one.
  const [transport] = /\b(TCP|UDP)\b/.exec(error.message) ?? [first.toUpperCase()]
  const where = `${transport} ${host ? hostPort(host, port) : `port ${port}`} is in use`
  if (spec.port !== undefined) return new MidwireError('ERR_ADDRESS_IN_USE', where, { cause: error })
  const other = port + 2 <= 65_535 ? port + 2 : port - 2
  const name = shownSpec(spec.data === undefined ? mode.name : `${mode.name}:${spec.data}`)
  const own = spec.host === undefined ? '' : `${bracketed(spec.host)}:`
  const instead = all.map((one) => `--mode ${one === spec ? `${name}@${own}${other}` : one.shown}`).join(' ')
  return new MidwireError('ERR_ADDRESS_IN_USE', `${where} (try ${instead})`, { cause: error })
}
