// Servers behind the proxy whose answers come piece by piece, as a test says; and what a server was asked.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { WebSocketServer } from 'ws'

export const rows = (page: Page) => page.locator('.rows .row')

/** The row whose path has this text. */
export const rowOf = (page: Page, text: string) =>
  rows(page).filter({ has: page.locator('[data-column=path]', { hasText: text }) })

export const tab = (page: Page, name: string) => page.getByRole('tab', { name, exact: true })

/** Looks at each frame of the page until what is read is what is wanted. */
export async function becomes<T>(page: Page, read: () => Promise<T>, wanted: T): Promise<void> {
  while ((await read()) !== wanted) await page.evaluate('new Promise(requestAnimationFrame)')
}

async function listen(t: ExecutionContext, server: ReturnType<typeof createServer>): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A server whose responses a test writes by itself: `next` is the one to the next request. */
export async function piecewise(t: ExecutionContext, headers: Record<string, string>) {
  const waiting: ServerResponse[] = []
  const news = new EventTarget()
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, headers)
    response.flushHeaders()
    waiting.push(response)
    news.dispatchEvent(new Event('request'))
  })
  const port = await listen(t, server)
  const next = async () => {
    while (waiting.length === 0) await once(news, 'request')
    return waiting.shift() as ServerResponse
  }
  return { origin: `http://127.0.0.1:${port}`, next }
}

/** Sends a request whose response is not waited for. */
export function begin(t: ExecutionContext, port: number, url: string): void {
  const request = send({ host: '127.0.0.1', port, path: url, agent: false })
  request.on('response', (response) => response.resume().on('error', () => undefined))
  request.on('error', () => undefined)
  request.end()
  t.teardown(() => request.destroy())
}

interface Heard {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server that keeps what it was asked, and answers with JSON. */
export async function hearing(t: ExecutionContext) {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    heard.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ heard: body }))
  })
  return { origin: `http://127.0.0.1:${await listen(t, server)}`, heard }
}

/** A server of WebSockets that says everything back. */
export async function echoing(t: ExecutionContext): Promise<string> {
  const server = createServer()
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`{"echo":${JSON.stringify(String(data))}}`))
  })
  return `http://127.0.0.1:${await listen(t, server)}`
}
