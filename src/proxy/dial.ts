// Connects to servers, does TLS with them, keeps their TLS sessions, and never connects to midwire itself.
import { hash, randomUUID } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { hostPort } from '../addresses.js'
import type { IdentitiesByName } from '../certs/by-name.js'
import { clientCertificates } from '../certs/client-certificates.js'
import { explainCertificate } from '../certs/explain.js'
import { Recent } from '../certs/recent.js'
import type { ClientConnection, ServerConnection, TlsState } from '../connection.js'
import { type Hop, hopText, proxiesOf, tunnelOf, unreachable } from '../flow/via.js'
import type { CertificateAndKey } from '../hooks.js'
import { OpenFailure } from '../layers/commands.js'
import { type Destination, type Route, routeKey, type SetForServer } from '../layers/route.js'
import type { SocksPlace } from '../layers/socks/address.js'
import type { Options } from '../options/definitions.js'
import { TlsFailure } from '../transports/connections/failure.js'
import type { Question } from '../transports/connections/tls.js'
import { type SecuredServer, type ServerSession, secureServer, secureServerNatively } from '../transports/tls.js'
import type { Transport } from '../transports/transport.js'
import { connectTo } from './connect.js'
import type { Core } from './core.js'
import type { Dispatcher } from './dispatch.js'
import type { Exit } from './exits/exit.js'
import { codeOf, explainConnect, reasonOf } from './explain.js'
import { serverContext } from './server-context.js'
import { ServerEngine } from './server-engine.js'

/** TLS sessions that are kept to be resumed, by destination and TLS settings. */
const MAX_SESSIONS = 1_000

/** Contexts for servers: one for all of them, and one for each certificate of ours and each setting of `tls_start_server`. */
const MAX_CONTEXTS = 100

/** The exit of a way. */
type ExitOf = (via: readonly Hop[]) => Exit

const NOBODY = { keyLog: undefined, capture: undefined }

/** An open connection to a server, with the transport that carries it. */
export interface Dialled {
  readonly transport: Transport
  readonly connection: ServerConnection
}

/**
 * Serves one set of options only. A resumed session is not verified again, so a session that was made under other options could let
 * in a server that these options refuse.
 */
export class Dialer {
  readonly #options: Options
  readonly #dispatcher: Dispatcher
  readonly #sessions = new Recent<string, ServerSession>(MAX_SESSIONS)
  readonly #contexts = new Recent<string, SecureContext>(MAX_CONTEXTS)
  readonly #engine: ServerEngine
  readonly #certificates: IdentitiesByName
  readonly #observers: Core['observers']
  readonly #exitOf: ExitOf

  /** Throws ERR_OPTION where the files of `client_certs` are wrong. */
  constructor(options: Options, dispatcher: Dispatcher, exitOf: ExitOf, observers: Core['observers'] = NOBODY) {
    this.#options = options
    this.#certificates = clientCertificates(options.client_certs, options.cert_passphrase)
    this.#observers = observers
    this.#engine = new ServerEngine(options, observers.keyLog !== undefined)
    this.#dispatcher = dispatcher
    this.#exitOf = exitOf
  }

  /** Connects to the server of a route, or to the first proxy on the way, until `signal` aborts. Never rejects. */
  async dial(client: ClientConnection, route: Route, signal: AbortSignal): Promise<Dialled | OpenFailure> {
    const { to, via } = route
    const server = serverOf(route)
    const waited = this.#dispatcher.run('server_connect', { client, server })
    if (waited) await waited
    if (server.error) return this.#failure(client, server, 'KILLED', server.error)
    const [proxy] = proxiesOf(via)
    const { host, port } = proxy ?? to
    let transport: Transport
    try {
      // Proxies are spoken with by TCP, also about datagrams.
      transport = await this.#connect(route, { host, port, transport: proxy ? 'tcp' : to.transport }, signal)
    } catch (error) {
      const code = codeOf(error)
      const message = code === 'LOOP' ? isOurselves(host, port) : explainConnect(error, { host, port })
      return this.#failure(client, server, code, proxy ? unreachable(proxy, message) : message)
    }
    server.local = transport.local
    server.remote = transport.remote
    server.openedAt = Date.now()
    await this.#dispatcher.run('server_connected', { client, server })
    return { transport, connection: server }
  }

  /** Connects to a place by the exit of a route. The packets inside of a tunnel come from the tunnel's own address. */
  async #connect({ via, from }: Route, to: Destination, signal: AbortSignal): Promise<Transport> {
    const transport = await connectTo(this.#exitOf(via), to, tunnelOf(via) ? undefined : from, signal)
    return this.#observers.capture?.server(transport, to.transport) ?? transport
  }

  /** Connects to the relay of a proxy for datagrams, by the exit by which the proxy was reached. Never rejects. */
  async relay(server: ServerConnection, route: Route, at: SocksPlace, signal: AbortSignal) {
    try {
      return await this.#connect(route, { ...at, transport: 'udp' }, signal)
    } catch (error) {
      const code = codeOf(error)
      const why = code === 'LOOP' ? isOurselves(at.host, at.port) : explainConnect(error, at)
      return new OpenFailure(server, code, `the relay of the proxy cannot be reached: ${why}`)
    }
  }

  /**
   * Does the TLS of a route over a connection, and ends the connection where TLS fails. That of a proxy on the way (`isHop`) is not
   * what addons know as the server's TLS. Never rejects.
   */
  async secure(
    client: ClientConnection,
    over: Dialled,
    route: Route,
    isHop: boolean,
  ): Promise<Transport | OpenFailure> {
    const { connection: server } = over
    const { sni, alpn, set } = route.tls ?? { sni: undefined, alpn: [], set: undefined }
    const name = sni ?? route.to.host
    const verify = (set?.verify ?? !this.#options.ssl_insecure) ? name : undefined
    const key = routeKey(route)
    const state: TlsState = { sni, alpnOffers: alpn }
    if (!isHop) server.tls = state
    const { keyLog } = this.#observers
    const onSecret = keyLog && ((line: Buffer) => keyLog.add(line))
    let secured: SecuredServer
    let begun = false
    try {
      const identity = set && 'certificate' in set ? set.certificate : this.#certificates.find([name])
      const tls = route.tls ?? { sni, alpn }
      const question = this.#engine.question(key, { tls, name, verifies: verify !== undefined, identity })
      const context = question ? undefined : this.#contextFor(identity, set)
      begun = true
      secured = context
        ? await secureServer(over.transport, {
            context,
            sni,
            alpn,
            verify,
            session: this.#sessions.get(key),
            onSecret,
            onSession: (session) => this.#sessions.set(key, session),
          })
        : await secureServerNatively(over.transport, question as Question, onSecret)
    } catch (error) {
      // A handshake that fails ends its connection, unless it has not begun.
      if (!begun) over.transport.close()
      this.#sessions.delete(key)
      this.#engine.forget(key)
      if (error instanceof TlsFailure && error.isForOpenSsl) {
        // OpenSSL has the last word, in another connection.
        this.#engine.leave(key)
        return new OpenFailure(server, error.code, error.message, true)
      }
      const code = codeOf(error)
      const reason = explainTls(error, name)
      const message = isHop ? `the proxy https://${hostPort(route.to.host, route.to.port)}: ${reason}` : reason
      server.error = message
      if (!isHop) await this.#dispatcher.run('tls_failed_server', { client, server, error: message })
      return new OpenFailure(server, code, message)
    }
    if (isHop) return secured.pipe
    Object.assign(state, secured.state, { certificates: secured.certificates, establishedAt: Date.now() })
    await this.#dispatcher.run('tls_established_server', { client, server })
    return secured.pipe
  }

  /** A context is made when the first server needs it, because reading the system's roots takes long. */
  #contextFor(identity: CertificateAndKey | undefined, set: SetForServer | undefined): SecureContext {
    const key = `${identity ? hash('sha256', identity.cert, 'base64') : ''} ${set?.key ?? ''}`
    const before = this.#contexts.get(key)
    if (before) return before
    const context = serverContext(this.#options, {
      identity: identity && { cert: identity.cert, key: identity.key },
      set,
    })
    this.#contexts.set(key, context)
    return context
  }

  /** Reports that a server is not dialled at all. Never rejects. */
  refuse(client: ClientConnection, route: Route, code: string, reason: string): Promise<OpenFailure> {
    const { host, port } = route.to
    return this.#failure(client, serverOf(route), code, explainConnect(reason, { host, port }))
  }

  async #failure(
    client: ClientConnection,
    server: ServerConnection,
    code: string,
    message: string,
  ): Promise<OpenFailure> {
    server.error = message
    await this.#dispatcher.run('server_connect_error', { client, server })
    return new OpenFailure(server, code, message)
  }
}

const serverOf = ({ to, via }: Route): ServerConnection => ({
  id: randomUUID(),
  transport: to.transport,
  host: to.host,
  port: to.port,
  ...(via.length > 0 && { via: via.map(hopText) }),
})

const isOurselves = (host: string, port: number): string =>
  `${hostPort(host, port)} is midwire itself: the request would go round in circles`

function explainTls(error: unknown, host: string): string {
  return explainCertificate(error as NodeJS.ErrnoException, host) ?? `TLS with ${host} has failed: ${reasonOf(error)}`
}
