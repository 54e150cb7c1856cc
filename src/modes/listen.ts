// Where a mode listens: its spec before the options, the options before its own default; and what to say when that is taken.
import { isIPv6 } from 'node:net'
import { MidwireError } from '../errors.js'
import type { Options } from '../options/definitions.js'
import { hostPort } from '../transports/addresses.js'
import type { Mode, ModeSpec } from './mode.js'

export type ListenOptions = Pick<Options, 'listen_host' | 'listen_port'>

export interface ListenAddress {
  /** Without brackets; empty for every address. */
  readonly host: string
  readonly port: number
}

type Defaults = Pick<Mode, 'defaultHost' | 'defaultPort'>

export function listenAddress(spec: ModeSpec, mode: Defaults, options: ListenOptions): ListenAddress {
  const host = spec.host ?? (options.listen_host === '' ? mode.defaultHost : options.listen_host)
  return {
    host: host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'),
    port: spec.port ?? options.listen_port ?? mode.defaultPort,
  }
}

const NO_SUCH_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NONAME'])

/**
 * The error of a port that is taken, with a spec that may do instead beside the others (`all` is them and this one), and of a
 * host that is none; any other error as it is.
 */
export function suggesting(
  error: unknown,
  spec: ModeSpec,
  mode: Mode,
  { host, port }: ListenAddress,
  all: readonly ModeSpec[],
): unknown {
  if (NO_SUCH_NAME.has((error as NodeJS.ErrnoException).code ?? '')) {
    const what = `mode ${JSON.stringify(spec.text)}: nobody knows the name ${JSON.stringify(host)} to listen on`
    return new MidwireError('ERR_ADDRESS_NOT_AVAILABLE', what, { cause: error })
  }
  if (!(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_IN_USE' || spec.port !== undefined) return error
  const other = port + 2 <= 65_535 ? port + 2 : port - 2
  const name = spec.data === undefined ? mode.name : `${mode.name}:${spec.data}`
  const own = spec.host === undefined ? '' : `${isIPv6(spec.host) ? `[${spec.host}]` : spec.host}:`
  const where = `${mode.transport.toUpperCase()} ${host ? hostPort(host, port) : `port ${port}`}`
  const instead = all.map((one) => `--mode ${one === spec ? `${name}@${own}${other}` : one.text}`).join(' ')
  return new MidwireError('ERR_ADDRESS_IN_USE', `${where} is in use (try ${instead})`, { cause: error })
}
