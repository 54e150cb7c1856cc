// The server that a mode leads to, `[scheme://]host[:port][/]`.
import { MidwireError } from '../errors.js'
import { quotedSpec } from './quoted.js'

export interface ServerSpec<Scheme extends string> {
  readonly scheme: Scheme
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

const SERVER = /^(?:([a-z0-9]+):\/\/)?(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^:/@[\]\s]+))(?::(\d{1,5}))?\/?$/i

/**
 * Reads a server. `ports` has the schemes and the port of each; undefined where the port has to be written. Throws ERR_MODE, for the
 * spec that `text` is.
 */
export function parseServer<Scheme extends string>(
  text: string,
  server: string,
  fallback: Scheme,
  ports: Readonly<Record<Scheme, number | undefined>>,
): ServerSpec<Scheme> {
  const refuse = (why: string) => new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${why}`)
  const [, given = fallback, ipv6, name, digits] = SERVER.exec(server) ?? []
  const host = ipv6 ?? asciiName(name)
  if (host === undefined) {
    const why = /^[^/]*\/\/[^/]+\/./.test(server) ? 'a path has no place here' : 'this is no server'
    throw refuse(`${JSON.stringify(server)}: ${why}; write [scheme://]host[:port]`)
  }
  const scheme = given.toLowerCase() as Scheme
  if (!Object.hasOwn(ports, scheme)) {
    throw refuse(`there is no scheme ${given}; the schemes are ${Object.keys(ports).join(', ')}`)
  }
  const port = digits === undefined ? ports[scheme] : Number(digits)
  if (port === undefined) throw refuse(`${scheme} needs a port, as in ${scheme}://${host}:1234`)
  if (port < 1 || port > 65_535) throw refuse(`invalid port ${digits}: a port is a whole number from 1 to 65535`)
  return { scheme, host, port }
}

/** A name as DNS, TLS and Host have it: other letters than those of ASCII are encoded (RFC 5891). Undefined for what is no name. */
function asciiName(name: string | undefined): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (name === undefined || /^[\x00-\x7f]*$/.test(name)) return name
  return URL.canParse(`http://${name}/`) ? new URL(`http://${name}/`).hostname : undefined
}
