// The first layer of a connection to a transparent proxy that nothing has redirected: option `transparent_by_name` lets its first bytes name the server.
import { canonicalName } from '../flow/host-name.js'
import { innerName, MORE } from './inner-name.js'
import { type Context, type Layer, log, more, type Step } from './layer.js'
import { leadTo } from './reach.js'
import type { Destination } from './route.js'
import { TIMEOUT } from './world.js'

/** The time that a client has to name its server. */
const NAME_MILLISECONDS = 30_000

export const byNameLayer: Layer = function* (context) {
  const { client, options } = context
  if (!options.transparent_by_name) {
    const hint = 'midwire transparent up; or --set transparent_by_name, for clients that a name has led here'
    log(context, 'warn', `this connection has no original destination: was it redirected? (${hint})`)
    yield { type: 'refuse', reason: 'refused' }
    return undefined
  }
  yield { type: 'accept' }
  const named = yield* namedServer(context)
  if (typeof named === 'string') {
    log(context, 'warn', `this connection has no original destination, and ${named}`)
    yield { type: 'close', channel: client }
    return undefined
  }
  const failure = yield* leadTo(context, named)
  if (failure) {
    log(context, 'info', failure.message)
    // The client is told in an answer to its request.
    context.serverFailure = failure
  }
  return 'next'
}

/** The server that the client names, or why there is none. The bytes stay where they are. */
function* namedServer(context: Context): Step<Destination | string> {
  const { client, machine } = context
  const end = machine.world.now() + NAME_MILLISECONDS
  for (;;) {
    const bytes = client.takeAll()
    client.unread(bytes)
    const found = bytes.length === 0 ? MORE : innerName(bytes)
    if (found === undefined) return 'names none: it is TLS without SNI, HTTP without Host, or something else'
    if (found !== MORE) {
      return placeOf(found.text, found.isTls ? 443 : 80) ?? `${JSON.stringify(found.text)} is no place to connect to`
    }
    const left = end - machine.world.now()
    const arrived = left > 0 ? yield* more(client, left) : TIMEOUT
    if (arrived === TIMEOUT) return `names none within ${NAME_MILLISECONDS / 1000} s`
    if (!arrived) return 'ends before it names one'
  }
}

/** A name goes on as it is, to a resolver or a proxy: no byte may be in it that is none of a host's. */
function placeOf(text: string, usual: number): Destination | undefined {
  // An empty port is the usual one (RFC 3986, 3.2.3).
  const [, v6, name, digits] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):?(\d{0,5})$/i.exec(text) ?? []
  const host = canonicalName(v6 ?? name ?? '')
  const port = Number(digits || usual)
  return host === '' || port < 1 || port > 65_535 ? undefined : { host, port, transport: 'tcp' }
}
