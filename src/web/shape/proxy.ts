// Options, modes, peers and what else the proxy has, as the API's JSON.

import type { InferOutput } from 'valibot'
import {
  type Midwire,
  modeInfos,
  type OptionDefinition,
  type OptionValue,
  type PeerInfo,
  readOptions,
} from '../../index.js'
import type * as Shape from '../api/schemas/proxy.js'

/** Options whose values are never shown. */
const SECRETS: readonly string[] = ['web_password', 'cert_passphrase']

/** What is shown in the place of a secret; set as a value, it changes nothing. */
export const SECRET = '...'

export const isSecret = (name: string): boolean => SECRETS.includes(name)

type Value = InferOutput<typeof Shape.Value> | undefined

export function optionsJson({ options }: Midwire, names?: ReadonlySet<string>): InferOutput<typeof Shape.Option>[] {
  const { definitions, snapshot } = options
  return Object.entries(definitions)
    .filter(([name]) => !names || names.has(name))
    .map(([name, definition]) => optionJson(name, definition, snapshot[name]))
}

/** Defaults as values are: definitions have sizes as users write them. */
const DEFAULTS: Readonly<Record<string, OptionValue>> = { ...readOptions() }

function optionJson(name: string, definition: OptionDefinition, value: OptionValue) {
  const { type, help, choices, range, fixed = false } = definition
  const secret = isSecret(name)
  const shown = secret && value !== undefined && value !== '' ? SECRET : valueJson(value)
  const usual = Object.hasOwn(DEFAULTS, name) ? DEFAULTS[name] : (definition.default as OptionValue)
  return {
    ...{ name, type, help, fixed, secret, value: shown, default: valueJson(usual) },
    choices: choices && [...choices],
    range: range && ([...range] as [number, number]),
  }
}

function valueJson(value: OptionValue): Value {
  if (typeof value !== 'object') return value
  return value.map((one) => (one instanceof RegExp ? one.source : String(one)))
}

export function modesJson(proxy: Midwire): InferOutput<typeof Shape.Modes> {
  return {
    modes: proxy.modes.map(({ listeners, ...mode }) => ({ ...mode, listeners: listeners.map((one) => ({ ...one })) })),
    kinds: modeInfos().map(({ transports, ...kind }) => ({ ...kind, transports: [...transports] })),
  }
}

/** Without the configuration, which has the private key. */
export function peerJson({ config, addresses, endpoints, ...peer }: PeerInfo): InferOutput<typeof Shape.Peer> {
  return { ...peer, addresses: [...addresses], endpoints: [...endpoints], hasConfig: config !== undefined }
}

export const peersJson = ({ peers }: Midwire) => peers.map(peerJson)

export function usageJson(proxy: Midwire, followers: number): InferOutput<typeof Shape.Usage> {
  const { flows, memory, disk, forgotten, unwritten } = proxy.recorded
  const running = proxy.runningFlows.length
  return { flows, running, memory, disk, forgotten, unwritten, process: process.memoryUsage.rss(), followers }
}
