// Flows to be exported, a server that keeps the bytes of each request, and the shell that runs what was exported.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest, type HttpRequestParts } from '../../src/flow/http.js'
import { client, server } from './flows.js'

const origin = { world: { newId: () => 'flow', now: () => 1000, act() {} }, client, server, now: 1000 }

/** A flow with this request; `fields` are names and values by turns. */
export function requestFlow(
  { fields = [], ...parts }: Partial<Omit<HttpRequestParts, 'headers'>> & { fields?: string[] },
  body: Buffer | string = '',
): HttpFlow {
  const usual = { method: 'GET', path: '/', scheme: 'http', host: '127.0.0.1', port: 80, version: '1.1' } as const
  const request = new HttpRequest({ ...usual, ...parts, headers: new HttpHeaders(fields) }, 1 << 30, 1000)
  request.body.append(Buffer.from(body as string))
  return new HttpFlow(origin, request)
}

/** A server that answers each connection's one request with 200, and gives its bytes as they came. */
export async function keepingServer(t: ExecutionContext): Promise<{ port: number; next(): Promise<Buffer> }> {
  const requests: Buffer[] = []
  let tell = () => {}
  const listener = createServer((socket: Socket) => {
    let bytes = Buffer.alloc(0)
    let done = false
    socket.on('error', () => {})
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data])
      if (done || !isWhole(bytes)) return
      done = true
      requests.push(bytes)
      tell()
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => listener.close())
  return {
    port: (listener.address() as AddressInfo).port,
    async next() {
      while (requests.length === 0) await new Promise<void>((resolve) => (tell = resolve))
      return requests.shift() as Buffer
    },
  }
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return false
  const head = bytes.toString('latin1', 0, end)
  if (/^transfer-encoding:.*chunked/im.test(head)) return bytes.subarray(-5).equals(Buffer.from('0\r\n\r\n'))
  return bytes.length >= end + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
}

/** Runs a program without the user's settings of it, with this input, and gives what it has said. */
export async function ran(program: string, args: string[], input: string, cwd: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: cwd, LC_ALL: 'C.UTF-8', no_proxy: '*' }
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
  child.stdin.on('error', () => {}).end(input)
  const [code] = await once(child, 'close')
  return code === 0 ? said : `${program} ended with ${code}: ${said}`
}
