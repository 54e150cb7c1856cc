// The server of the page and of the remote API: listens beside a proxy, and ends with it.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { WebSocketServer } from 'ws'
import { type Midwire, MidwireError } from '../../index.js'
import { UPDATES_PATH } from '../api/index.js'
import type { MidwireApi } from '../client/client.js'
import { Rules } from '../handlers/rules.js'
import { Followers } from '../updates/followers.js'
import { Access } from './access.js'
import type { Surroundings } from './call.js'
import { Files } from './files.js'
import { Guard } from './guard.js'
import { localApi } from './local.js'
import { answer, type Desk } from './requests.js'
import { Secrets } from './secrets.js'
import { upgradeTo } from './upgrade.js'

/** Connections at once, those of updates included. Others are closed. */
const MAX_CONNECTIONS = 1_000

/** Milliseconds: for a head; for a whole request, which may be a large file; without any progress; of an idle connection. */
const HEAD_TIME = 10_000
const REQUEST_TIME = 600_000
const IDLE_TIME = 60_000
const KEEP_ALIVE_TIME = 30_000
/** How often connections are looked at. */
const CHECK_TIME = 5_000

const MAX_HEAD = 16 * 1024

/** The files of the page, beside the compiled server. */
const PAGE = fileURLToPath(new URL('../app', import.meta.url))

export interface WebOptions {
  /** Default: option `web_host`. */
  readonly host?: string
  /** Default: option `web_port`; 0 takes a free one. */
  readonly port?: number
  /** A text, or the hash of one. Default: option `web_password`; empty: a token. */
  readonly password?: string
  /** The version that the API says. */
  readonly version: string
  /** The folder with the files of the page. Default: that of the package. */
  readonly page?: string
  /** Clients of the Model Context Protocol at `/mcp` may change things. Default: false. */
  readonly allowChanges?: boolean | undefined
}

export interface WebServer {
  /** `http://127.0.0.1:8081`. */
  readonly url: string
  /** The URL for people, with the token where there is one. */
  readonly entrance: string
  /** Undefined where there is a password. */
  readonly token: string | undefined
  readonly port: number
  /** The API without the network, for this process. */
  readonly api: MidwireApi
  /** Ends connections, too. */
  close(): Promise<void>
}

/**
 * Serves the page and the API of a proxy. What goes there through the proxy, or through a tunnel, is refused. Throws ERR_ADDRESS_IN_USE and its like,
 * and ERR_OPTION for a password that is no hash.
 */
export async function startWeb(proxy: Midwire, options: WebOptions): Promise<WebServer> {
  const { web_host, web_port, web_password } = proxy.options.snapshot
  const {
    host = web_host,
    port: wanted = web_port,
    password = web_password,
    version,
    page = PAGE,
    allowChanges,
  } = options
  const secrets = new Secrets(password)
  const server = createServer({
    maxHeaderSize: MAX_HEAD,
    headersTimeout: HEAD_TIME,
    requestTimeout: REQUEST_TIME,
    keepAliveTimeout: KEEP_ALIVE_TIME,
    connectionsCheckingInterval: CHECK_TIME,
  })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_TIME)
  const { address, port } = await listen(server, host, wanted)
  const followers = new Followers(proxy, version)
  const rules = new Rules(proxy)
  const surroundings: Surroundings = {
    ...{ proxy, version, rules, startedAt: Date.now() },
    followers: () => followers.count,
    numberOf: (id) => followers.numberOf(id),
  }
  const guard = new Guard(host)
  const api = localApi(surroundings)
  // Most who open the page have no use for the library of the protocol.
  const mcp: Desk['mcp'] = async (request, response) => {
    mcpOnce ??= import('../mcp/http.js').then(({ mcpHandler }) => mcpHandler(api, { version, allowChanges }))
    await (await mcpOnce)(request, response)
  }
  let mcpOnce: Promise<Desk['mcp']> | undefined
  const desk: Desk = { guard, access: new Access(secrets, guard, port), files: new Files(page), surroundings, mcp }
  server.on('request', (request, response) => void answer(desk, request, response))
  const sockets = upgradeTo(server, UPDATES_PATH, desk, (socket, first) => followers.add(socket, first))
  const unprotect = proxy.protect({ host: address, port })
  const url = `http://${shownHost(host)}:${port}`
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= end(server, sockets, () => {
      unprotect()
      followers.close()
      rules.close()
    })
    return closing
  }
  void proxy.closed.then(close)
  const entrance = secrets.token === undefined ? `${url}/` : `${url}/?token=${secrets.token}`
  return { url, entrance, token: secrets.token, port, api, close }
}

/** What a browser on this machine opens. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

const CODES = {
  EADDRINUSE: ['ERR_ADDRESS_IN_USE', 'is in use already'],
  EADDRNOTAVAIL: ['ERR_ADDRESS_NOT_AVAILABLE', 'is no address of this machine'],
  EACCES: ['ERR_PERMISSION', 'cannot be listened on'],
} as const

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const [code, what] = CODES[error.code as keyof typeof CODES] ?? [
        'ERR_ARGUMENT',
        `cannot be listened on (${error.message})`,
      ]
      reject(
        new MidwireError(code, `the web page's address ${host}:${port} (web_host, web_port) ${what}`, { cause: error }),
      )
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve(server.address() as AddressInfo)
    })
  })
}

function end(server: Server, sockets: WebSocketServer, rest: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    rest()
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.closeAllConnections()
  })
}
