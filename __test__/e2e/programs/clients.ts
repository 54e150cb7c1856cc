// Node's HTTP clients behind a proxy: each takes the proxy and the certificate in the way that its users give them.
import { createHash } from 'node:crypto'
import axios from 'axios'
import got from 'got'
import { HttpsProxyAgent } from 'hpagent'
import { EnvHttpProxyAgent, ProxyAgent, request, setGlobalDispatcher } from 'undici'

/** What a client made of an answer; `clients.py` prints the same. */
export interface Got {
  status: number
  bytes: number
  sha256: string
  /** Of a short body. */
  text: string
}

const seen = (status: number, body: Uint8Array): Got => ({
  status,
  bytes: body.length,
  sha256: createHash('sha256').update(body).digest('hex'),
  text: body.length < 10_000 ? Buffer.from(body).toString() : '',
})

const proxy = process.env.https_proxy ?? ''

export type ClientName = 'fetch' | 'dispatcher' | 'undici' | 'axios' | 'got'

type Client = (url: string, body?: string) => Promise<Got>

/** By the environment: this Node reads `https_proxy` itself if NODE_USE_ENV_PROXY is set. */
const fetching: Client = async (url, body) => {
  const response = await fetch(url, { ...(body !== undefined && { method: 'POST', body }) })
  return seen(response.status, Buffer.from(await response.arrayBuffer()))
}

const clients: Record<ClientName, Client> = {
  fetch: fetching,
  /** In any Node: undici's agent becomes the one of Node's fetch. */
  async dispatcher(url, body) {
    setGlobalDispatcher(new EnvHttpProxyAgent())
    return fetching(url, body)
  },
  async undici(url, body) {
    const dispatcher = new ProxyAgent(proxy)
    try {
      const response = await request(url, { dispatcher, ...(body !== undefined && { method: 'POST', body }) })
      return seen(response.statusCode, await response.body.bytes())
    } finally {
      await dispatcher.close()
    }
  },
  /** By the environment, which axios reads itself. */
  async axios(url, body) {
    const method = body === undefined ? 'GET' : 'POST'
    const response = await axios.request<Buffer>({ url, method, data: body, responseType: 'arraybuffer' })
    return seen(response.status, response.data)
  },
  /** It reads no environment: an agent is its way. */
  async got(url, body) {
    const agent = { https: new HttpsProxyAgent({ proxy }) }
    const options = { agent, retry: { limit: 0 }, responseType: 'buffer' } as const
    const response = await (body === undefined ? got(url, options) : got.post(url, { ...options, body }))
    return seen(response.statusCode, response.body)
  },
}

export const get = (name: ClientName, url: string): Promise<Got> => clients[name](url)
export const post = (name: ClientName, url: string, body: string): Promise<Got> => clients[name](url, body)

/** How it fails: the code of the innermost error. */
export async function failure(name: ClientName, url: string): Promise<string> {
  try {
    await clients[name](url)
    return 'none'
  } catch (error) {
    let inner = error as NodeJS.ErrnoException
    while (inner.cause instanceof Error) inner = inner.cause
    return String(inner.code)
  }
}
