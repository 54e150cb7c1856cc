// An HTTP server that says what it was asked, and a client of the proxy: for the tests of mocks.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { fetch, ProxyAgent, type RequestInit, type Response } from 'undici'
import type { Midwire } from '../../src/index.js'

/** Its URL, without a slash at its end. By default it answers 200, with method, path and body as text. */
export async function origin(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void = echo,
): Promise<string> {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += chunk
  response.setHeader('X-Heard', request.headers['x-said'] ?? 'nothing')
  response.end(`${request.method} ${request.url} ${body}`.trim())
}

/** `fetch` by way of the proxy, with a trust in its authority. */
export function fetcher(t: ExecutionContext, proxy: Midwire): (url: string, init?: RequestInit) => Promise<Response> {
  const uri = `http://127.0.0.1:${proxy.listeners[0]?.port}`
  const dispatcher = new ProxyAgent({ uri, requestTls: { ca: proxy.authority.pem } })
  t.teardown(() => dispatcher.destroy())
  return (url, init) => fetch(url, { dispatcher, ...init })
}
