// The options of an output: those that it was made with, until one of them is changed while the proxy runs; URLs by `showhost`, and clients.
import { hostPort } from '../addresses.js'
import type { HttpRequest } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import { placeText } from './text.js'

/** The options `names` of an output, after a change. What was not changed stays as the output was given it. */
export function afterChange<Name extends keyof Options>(
  before: Pick<Options, Name>,
  names: readonly Name[],
  { options, changed }: ConfigureHook,
): Pick<Options, Name> {
  const after = { ...before }
  for (const name of names) if (changed.has(name)) after[name] = (options as Options)[name]
  return after
}

/** The URL of a request with the server that it goes to, and not the host that the client has named (`request.url`). */
export function urlByAddress({ scheme, host, port, path, method }: HttpRequest): string {
  const place = hostPort(host, port)
  return method === 'CONNECT' ? place : `${scheme}://${place}${path === '*' ? '' : path}`
}

/** The URL of a request, by the option `showhost`. */
export const urlText = (request: HttpRequest, showhost: boolean): string =>
  showhost ? request.url : urlByAddress(request)

/** The server of a raw flow: by the name that the client has asked for, or by its address. */
export function serverText({ server, client }: AnyFlow, showhost: boolean): string {
  const name = showhost ? (client.tls?.sni ?? server?.host) : undefined
  const host = name ?? server?.remote?.address ?? server?.host ?? client.local.address
  return placeText(host, server?.port ?? client.local.port)
}

export const clientText = ({ client }: AnyFlow): string => placeText(client.remote.address, client.remote.port)
