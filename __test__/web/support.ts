// A proxy with its web server, a client of the API, and a few flows.
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { HttpFlow, MidwireOptions } from '../../src/index.js'
import { createClient } from '../../src/web/client/index.js'
import { startWeb, type WebOptions } from '../../src/web/index.js'
import { startProxy } from '../support/proxy.js'

export async function startApi(t: ExecutionContext, options: MidwireOptions = {}, web: Partial<WebOptions> = {}) {
  const running = await startProxy(t, options)
  const server = await startWeb(running.proxy, { host: '127.0.0.1', port: 0, version: '1.2.3', ...web })
  t.teardown(() => server.close())
  const token = server.token ?? ''
  const api = createClient({ url: server.url, token })
  return { ...running, server, token, api }
}

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A request with fields of one's own, Host among them, which fetch would not send. */
export async function ask(port: number, { method = 'GET', path = '/', headers = {}, body }: Asked): Promise<Answered> {
  const request = send({ host: '127.0.0.1', port, method, path, headers, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** A server of HTTP that answers everything in the same way. */
export async function answering(
  t: ExecutionContext,
  { headers = {}, body = 'hello' }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, headers)
    response.end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends a request through the proxy, and gives its flow once that is over. */
export async function through(
  { port, proxy }: Pick<Awaited<ReturnType<typeof startApi>>, 'port' | 'proxy'>,
  url: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<HttpFlow> {
  const over = proxy.waitFor((flow) => flow.request.url === url, { timeout: 20_000 })
  const request = send({ host: '127.0.0.1', port, method, path: url, headers, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  response.resume()
  return over
}
