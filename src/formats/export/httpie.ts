// Exports a request as a command of HTTPie 3 for a POSIX shell.
import type { AnyFlow } from '../../flow/index.js'
import { hasField, OF_THE_CONNECTION, sendable, urlOf, without } from './message.js'
import { pipe, word } from './shell.js'

/** What HTTPie sends where it is not told otherwise. */
const OWN = ['User-Agent', 'Accept', 'Accept-Encoding']

/**
 * The command. HTTPie takes backslashes before `:`, `=`, `@` and `;` out of a field's value, however they are written, and sends only
 * values in UTF-8. Throws ERR_ARGUMENT for a flow without a request that can be sent again.
 */
export function httpie(flow: AnyFlow): string {
  const sent = sendable(flow)
  const { request, fields, body } = sent
  const args = ['http', '--path-as-is', ...(body.length > 0 ? [] : ['--ignore-stdin']), word(request.method)]
  args.push(word(urlOf(sent)))
  for (const [name, value] of without(fields, ...OF_THE_CONNECTION)) {
    // The space keeps a value that begins with = or @ from being read as JSON, or as the name of a file.
    args.push(word(value === '' ? `${name};` : `${name}: ${value}`))
  }
  for (const name of OWN) if (!hasField(fields, name)) args.push(word(`${name}:`))
  if (body.length > 0 && !hasField(fields, 'Content-Type')) args.push('Content-Type:')
  return (body.length > 0 ? pipe(body) : '') + args.join(' ')
}
