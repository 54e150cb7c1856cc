// Node's own fetch, and undici's requests, on a device: who trusts midwire's certificate by NODE_EXTRA_CA_CERTS.
import { Agent, request } from 'undici'

const agent = new Agent({ connections: 1, pipelining: 1 })

export async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url)
  return { status: response.status, body: await response.text() }
}

/** Posts in chunks. */
export async function post(url: string, chunks: string[]): Promise<{ status: number; body: string }> {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk))
      controller.close()
    },
  })
  const response = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
  return { status: response.status, body: await response.text() }
}

/** How a fetch fails: the code of what is below it. */
export async function failure(url: string): Promise<string> {
  try {
    await fetch(url)
    return 'none'
  } catch (error) {
    return String(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code)
  }
}

/** So many requests one after the other on one connection of undici's, with the trailers of the last. */
export async function several(
  url: string,
  count: number,
): Promise<{ statuses: number[]; bytes: number; trailers: Record<string, string | string[] | undefined> }> {
  const statuses: number[] = []
  let bytes = 0
  let trailers = {}
  for (let at = 0; at < count; at++) {
    const response = await request(url, { dispatcher: agent })
    bytes += (await response.body.bytes()).length
    statuses.push(response.statusCode)
    trailers = { ...response.trailers }
  }
  return { statuses, bytes, trailers }
}
