// TLS with the client and TLS with the server, so that midwire sees the plaintext between them. The world does the handshakes.
import type { ServerConnection } from '../connection.js'
import type { ClientHelloHook } from '../hooks.js'
import type { Channel } from './channel.js'
import { OpenFailure } from './commands.js'
import { passes } from './hosts.js'
import {
  type Context,
  hook,
  type Layer,
  log,
  more,
  type Step,
  secureClient,
  secureServer,
  send,
  serverName,
} from './layer.js'
import { open, routeTo } from './open.js'
import { type Route, type ServerTls, sameRoute } from './route.js'
import { DECODE_ERROR } from './tls/alerts.js'
import { type ClientHello, ClientHelloError, readClientHello } from './tls/client-hello.js'
import { ja3, ja4 } from './tls/fingerprint.js'
import { leafKeyFor } from './tls/leaf-key.js'
import { planClient, planServer } from './tls/plan.js'
import { rustlsKeys } from './tls/rustls.js'
import { TIMEOUT } from './world.js'

/** The time that a client has for a whole ClientHello. */
const HELLO_MILLISECONDS = 30_000

/** The values of `tls_version_client_min` and `_max` as TLS writes them. */
const VERSIONS = { TLS1: 0x0301, TLS1_1: 0x0302, TLS1_2: 0x0303, TLS1_3: 0x0304 } as const

/** True for protocols that midwire does not speak, and so does not offer to the server or agree on with the client. */
function unspoken(context: Context, protocol: string): boolean {
  // Of midwire as a proxy clients ask by HTTP/1.
  if (protocol === 'h2') {
    const { destination, entrance, options } = context
    return !options.http2 || !destination || entrance.target?.protocol === 'raw'
  }
  return protocol === 'h3' || protocol.startsWith('h3-')
}

export const tlsLayer: Layer = function* (context) {
  const { client } = context
  const hello = yield* readHello(context)
  if (!hello) {
    yield { type: 'close', channel: client }
    return undefined
  }
  const { connection } = client
  connection.tls = { sni: hello.sni, alpnOffers: hello.alpn, ja3: ja3(hello).hash, ja4: ja4(hello) }
  const subject: ClientHelloHook = { client: connection, server: context.server?.connection, ignore: false }
  yield* hook(context, 'tls_clienthello', subject)
  if (subject.ignore || (yield* failsOpen(context, hello))) {
    yield* leaveTls(context)
    return context.failedOpen === undefined ? 'ignore' : 'raw'
  }

  const wanted = serverTlsFor(context, hello)
  const { destination } = context
  context.serverTls = wanted && destination ? yield* planServer(context, destination, wanted) : wanted
  if (mayAskServerFirst(context)) {
    if (context.serverTls) yield* secureServerFirst(context, context.serverTls)
  } else if (context.server && context.serverTls) {
    // The connection was opened only to see that the server can be reached. The request that needs the server opens another, with TLS.
    yield { type: 'close', channel: context.server }
    context.server = undefined
  }
  return (yield* secureWithClient(context, hello)) === undefined ? 'next' : undefined
}

/** Does TLS with the client, with a certificate like the server's. The answer is why it has failed; that was logged then. */
function* secureWithClient(context: Context, hello: ClientHello): Step<string | undefined> {
  const { client } = context
  const { connection } = client
  const upstream = context.server?.connection.tls
  const plan = yield* planClient(context, chosenFor(context, hello.alpn))
  const { min, max } = plan.versions
  const versions = {
    min: min === 'UNBOUNDED' ? VERSIONS.TLS1 : VERSIONS[min],
    max: max === 'UNBOUNDED' ? VERSIONS.TLS1_3 : VERSIONS[max],
  }
  const { key, missing } = leafKeyFor(hello, versions)
  const failure = yield* secureClient(client, {
    key,
    rustlsKeys: rustlsKeys(hello, versions),
    sni: hello.sni,
    alpn: plan.alpn,
    upstream: upstream?.certificates?.[0],
    extras: context.options.add_upstream_certs_to_client_chain ? upstream?.certificates : undefined,
    asks: plan.asks,
    set: plan.set,
  })
  if (failure !== undefined) {
    // OpenSSL says only that client and server have nothing in common; `missing` says what the client does not offer.
    const error = missing === undefined ? failure : `${failure}: ${missing}`
    // Where the server has failed, that was logged as a warning, and is the cause to look at first.
    const level = context.serverFailure ? 'debug' : 'warn'
    log(context, level, `TLS with the client has failed${hello.sni ? ` (${hello.sni})` : ''}: ${error}`)
    yield* hook(context, 'tls_failed_client', {
      client: connection,
      server: context.server?.connection,
      error,
    })
    return error
  }
  context.secured = true
  yield* hook(context, 'tls_established_client', { client: connection, server: context.server?.connection })
  return undefined
}

/**
 * Puts both sides of a connection under TLS, on which they have agreed in the clear (STARTTLS): the server's handshake comes first. The
 * server stays as it is where the client's TLS is not to be decrypted: `passes`. Else the answer is why it has failed.
 */
export function* turnToTls(
  context: Context,
  server: Channel<ServerConnection>,
): Step<'secured' | 'passes' | { readonly failure: string }> {
  const { connection } = context.client
  const hello = yield* readHello(context)
  if (!hello) return { failure: 'the client does not begin TLS, for which it has asked' }
  connection.tls = { sni: hello.sni, alpnOffers: hello.alpn, ja3: ja3(hello).hash, ja4: ja4(hello) }
  const subject: ClientHelloHook = { client: connection, server: server.connection, ignore: false }
  yield* hook(context, 'tls_clienthello', subject)
  if (subject.ignore || isIgnored(context, hello) || (yield* failsOpen(context, hello, true))) return 'passes'
  // Whatever the server has said in the clear behind its agreement, it is not said by the one that the certificate is for.
  if (server.buffered > 0)
    return { failure: 'the server sends bytes in the clear where TLS begins, and they were dropped' }
  const wanted = tlsLike(context, hello)
  const { destination } = context
  context.serverTls = destination ? yield* planServer(context, destination, wanted) : wanted
  const way = server.route ?? (destination && routeTo(context, destination))
  if (!way) return { failure: 'the destination is not known' }
  const failed = yield* secureServer(server, { ...way, tls: { ...context.serverTls, inPlace: true } })
  if (failed) {
    log(context, 'warn', failed.message)
    return { failure: failed.message }
  }
  const failure = yield* secureWithClient(context, hello)
  return failure === undefined ? 'secured' : { failure: `TLS with the client has failed: ${failure}` }
}

/** Whether the name in a ClientHello is one of `ignore_hosts`, or none of `allow_hosts`. */
function isIgnored({ client, destination, entrance, options }: Context, { sni }: ClientHello): boolean {
  const known = { transport: 'tcp', clientBytes: client.chunks[0] ?? NONE, clientEnded: true, serverBytes: 0 } as const
  return passes({ ...known, clientTls: true, sni, destination, entrance, options }) === 'yes'
}

const NONE = Buffer.alloc(0)

/** Whether option `tls_fail_open` lets the connection pass, because the client has refused our certificate for this name before. */
function* failsOpen(context: Context, hello: ClientHello, serverHasTls = false): Step<boolean> {
  const { destination, entrance, inside, options } = context
  // Behind these there is no server that speaks TLS: midwire as the client's proxy, its own pages, and a target without TLS.
  const hasTls = serverHasTls || entrance.target?.tls !== false
  if (options.tls_fail_open === 'off' || !destination || inside || !hasTls) return false
  const host = hello.sni ?? destination.host
  if (!(yield { type: 'failsOpen', host, port: destination.port })) return false
  context.failedOpen = host
  return true
}

/** The client's own TLS goes to the server, so midwire does none with it. */
function* leaveTls(context: Context): Step<void> {
  const { server } = context
  context.serverTls = undefined
  if (!server?.route?.tls) return
  yield { type: 'close', channel: server }
  context.server = undefined
}

/** How TLS is done with the server: as the client does it with us, or as the mode says; undefined for a server without TLS. */
function serverTlsFor(context: Context, hello: ClientHello): ServerTls | undefined {
  const { target } = context.entrance
  return target && !target.tls ? undefined : tlsLike(context, hello)
}

function tlsLike(context: Context, hello: ClientHello): ServerTls {
  const { destination, options } = context
  const { target } = context.entrance
  const alpn = hello.alpn.filter((protocol) => !unspoken(context, protocol))
  // A client that takes us for the server asks for our name.
  const asked = target && !options.keep_host_header ? undefined : hello.sni
  return {
    sni: asked ?? serverName(destination?.host),
    alpn: alpn.length === 0 && hello.alpn.length > 0 ? ['http/1.1'] : alpn,
  }
}

function mayAskServerFirst({ destination, inside, options }: Context): boolean {
  return destination !== undefined && !inside && options.upstream_cert && options.connection_strategy === 'eager'
}

function* readHello(context: Context): Step<ClientHello | undefined> {
  const { client } = context
  const { world } = context.machine
  const end = world.now() + HELLO_MILLISECONDS
  for (;;) {
    if (client.buffered > 0) {
      const bytes = client.takeAll()
      client.unread(bytes)
      try {
        const hello = readClientHello(bytes)
        if (hello) return hello
      } catch (error) {
        if (!(error instanceof ClientHelloError)) throw error
        log(context, 'warn', `the client began like TLS, but not with a ClientHello: ${error.message}`)
        yield* send(client, DECODE_ERROR)
        return undefined
      }
    }
    // The limit is for the whole ClientHello: a client that sends a byte now and then gets no more time.
    const left = end - world.now()
    const arrived = left > 0 ? yield* more(client, left) : TIMEOUT
    if (arrived === true) continue
    const what = arrived === TIMEOUT ? `is not whole after ${HELLO_MILLISECONDS / 1000} s` : 'ends in the middle'
    log(context, 'warn', `the ClientHello ${what}`)
    yield* send(client, DECODE_ERROR)
    return undefined
  }
}

/** Whether a connection without TLS leads to the place of a route. */
function isOf({ route }: Channel<ServerConnection>, wanted: Route): boolean {
  return route !== undefined && sameRoute(route, { ...wanted, tls: undefined })
}

/** Does the handshake with the server before that with the client, so that our certificate and ALPN can copy the server's. */
function* secureServerFirst(context: Context, tls: ServerTls): Step<void> {
  const { destination } = context
  if (!destination) return
  const route = routeTo(context, destination, tls)
  // A server that has closed its side meanwhile would not answer a ClientHello, so it is dialled again; so it is where it leaves another way.
  const opened = context.server
  const server = opened && !opened.over && isOf(opened, route) ? opened : undefined
  if (opened && !server) yield { type: 'close', channel: opened }
  // An idle connection of the pool is better than the one that is open, since its handshake is done.
  const idle = yield* open(context, route, 'only')
  if (idle && !(idle instanceof OpenFailure)) {
    if (server) yield { type: 'close', channel: server }
    context.server = idle
    return
  }
  const failed = server && (yield* secureServer(server, route))
  const result = server && !failed?.again ? failed : yield* open(context, route)
  if (result instanceof OpenFailure) {
    // The client gets an error page inside its own TLS, which says more than an alert.
    log(context, 'warn', result.message)
    context.serverFailure = result
    context.server = undefined
  } else if (result) {
    context.server = result
  }
}

/** The protocol to agree on with the client: the server's choice; where no server was asked, the best that the client offers. */
function chosenFor(context: Context, offers: readonly string[]): string | undefined {
  const upstream = context.server?.connection.tls
  if (upstream?.alpn) return upstream.alpn
  const spoken = upstream ? ['http/1.1'] : ['h2', 'http/1.1']
  return spoken.find((protocol) => offers.includes(protocol) && !unspoken(context, protocol))
}
