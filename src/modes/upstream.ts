// `upstream:[http|https]://host[:port]`: `regular`, whose connections leave by another proxy.
import { MidwireError } from '../errors.js'
import { credentialsOf, type Hop, parseVia } from '../flow/via.js'
import { TO_A_PROXY } from '../layers/entrance.js'
import { startListener } from './listener.js'
import type { Mode, ModeSpec } from './mode.js'
import { quotedSpec } from './quoted.js'

export const upstream: Mode = {
  name: 'upstream',
  description: 'like regular, and what leaves goes by another proxy',
  defaultPort: 8080,
  defaultHost: '127.0.0.1',
  transports: ['tcp'],
  data: {
    placeholder: 'PROXY',
    help: 'http://host:port, https://, socks5:// or socks4a://; several with commas between',
  },
  parse(spec) {
    hopsOf(spec)
    return {}
  },
  start(spec, context) {
    const { upstream_auth } = context.options
    const credentials = upstream_auth ? credentialsOf(upstream_auth) : undefined
    const via = hopsOf(spec).map((hop) => (hop.scheme === 'wireguard' ? hop : { credentials, ...hop }))
    return startListener(spec, upstream, context, { ...TO_A_PROXY, via })
  },
}

function hopsOf({ text, data, via }: ModeSpec): readonly Hop[] {
  const refuse = (why: string) => new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${why}`)
  if (data === undefined) throw refuse('upstream wants the proxy after a colon, as in upstream:http://proxy:3128')
  if (via) throw refuse('upstream names its proxy itself; write more of them with commas between')
  try {
    return parseVia(data)
  } catch (cause) {
    const hint =
      data.includes('//') && /:[^/]*[^/\d][^/]*$/.test(data) ? '; user name and password go into upstream_auth' : ''
    throw new MidwireError('ERR_MODE', `${quotedSpec(text)}: ${(cause as Error).message}${hint}`, { cause })
  }
}
