// The web site of the demonstration, over HTTP and HTTPS on loopback.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generate } from 'selfsigned'

export const HOST_NAME = 'demo.example'

const answer: RequestListener = (request, response) => {
  request.resume()
  if (request.url === '/') response.end('<h1>This page came through midwire</h1>\n')
  else if (request.url === '/account') response.setHeader('content-type', 'application/json').end('{"secret":"seen"}\n')
  else if (request.url === '/login') response.writeHead(303, { location: '/account' }).end()
  else response.writeHead(404).end('no such page\n')
}

export class Site {
  /** The site's certificate (PEM), which is self-signed. */
  readonly certificate: string
  readonly #servers: readonly Server[]

  static async start(): Promise<Site> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: HOST_NAME }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [HOST_NAME, 'localhost'].map((value) => ({ type: 2, value })) }],
    })
    const servers = [createServer(answer), createSecureServer({ key, cert }, answer)]
    for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
    return new Site(cert, servers)
  }

  private constructor(certificate: string, servers: readonly Server[]) {
    this.certificate = certificate
    this.#servers = servers
  }

  get httpPort(): number {
    return this.#port(0)
  }

  get httpsPort(): number {
    return this.#port(1)
  }

  close(): void {
    for (const server of this.#servers) server.close().closeAllConnections()
  }

  #port(index: number): number {
    const address = this.#servers[index]?.address() as AddressInfo | null | undefined
    return address?.port ?? 0
  }
}
