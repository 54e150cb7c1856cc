// Exports a request as a curl command for a POSIX shell (curl 7.55 or newer), which sends the same bytes.
import { bracketed } from '../../addresses.js'
import type { AnyFlow } from '../../flow/index.js'
import { type ExportOptions, hasField, plainText, type Sendable, sendable, without } from './message.js'
import { pipe, quoted, word } from './shell.js'

/** What may stand in a URL, and arrives as it is written there. All else goes by --request-target. */
const IN_URL = /^\/[A-Za-z0-9\-._~%!$&'()*+,;=:@/?[\]{}|^"<>`]*$/

/** Bytes of a body that stands among the arguments; a longer one comes by the input. One argument can have 128 KiB on Linux. */
const MAX_ARGUMENT = 32 * 1024

/** Bytes of a body from which curl may ask by `Expect: 100-continue` first. */
const EXPECTS_FROM = 1024

/** Fields that curl sends of its own where it is not told otherwise. */
const OWN = ['User-Agent', 'Accept']

/** The command, in ASCII but for what is printable. Throws ERR_ARGUMENT for a flow without a request that can be sent again. */
export function curl(flow: AnyFlow, options: ExportOptions = {}): string {
  const sent = sendable(flow)
  const { request, origin, target, fields, body } = sent
  const args = ['curl', '--globoff', '--path-as-is', ...version(sent)]
  const address = flow.server?.remote?.address
  if (options.preserveOriginalIp && address !== undefined && address !== sent.host) {
    args.push('--resolve', word(`${sent.host}:${request.port}:${bracketed(address)}`))
  }
  args.push(...method(request.method, body))
  if (hasField(fields, 'accept-encoding')) args.push('--compressed')
  // Curl writes Host by itself, of the URL, and before all others.
  const host = origin.slice(origin.indexOf('//') + 2)
  const [ours] = fields.filter(([name]) => name.toLowerCase() === 'host')
  const isUsual = ours?.[0] === 'Host' && ours[1] === host
  for (const [name, value] of isUsual ? without(fields, 'host') : fields) {
    args.push('-H', word(value === '' ? `${name};` : `${name}: ${value}`))
  }
  for (const name of unwanted(sent)) args.push('-H', word(`${name}:`))
  const inUrl = IN_URL.test(target)
  if (!inUrl) args.push('--request-target', word(target))
  const url = word(`${origin}${inUrl ? target : '/'}`)
  if (body.length === 0) return [...args, url].join(' ')
  const text = body.length <= MAX_ARGUMENT ? plainText(body, /\n/) : undefined
  if (text !== undefined) return [...args, '--data-raw', quoted(text), url].join(' ')
  return pipe(body) + [...args, '--data-binary', '@-', url].join(' ')
}

function version({ request }: Sendable): string[] {
  if (request.version === '1.0') return ['--http1.0']
  if (request.version === '1.1') return request.scheme === 'https' ? ['--http1.1'] : []
  return request.scheme === 'http' ? ['--http2-prior-knowledge'] : []
}

function method(name: string, body: Buffer): string[] {
  if (name === (body.length > 0 ? 'POST' : 'GET')) return []
  return name === 'HEAD' && body.length === 0 ? ['--head'] : ['-X', word(name)]
}

/** The fields that curl would add and the request does not have. */
function unwanted({ request, fields, body }: Sendable): string[] {
  const added = [...OWN]
  if (request.authority === undefined) added.push('Host')
  if (body.length > 0) added.push('Content-Type')
  if (body.length > EXPECTS_FROM) added.push('Expect')
  return added.filter((name) => !hasField(fields, name))
}
