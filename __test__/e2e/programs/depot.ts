// A server of packages and of git, over HTTPS: the files of a folder, and what `git http-backend` says of its repositories.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join, normalize } from 'node:path'
import type { Identity } from './upstream.js'

/** A folder's file, by the path of the request. npm, pip and apt ask for no more than this. */
function serveFile(response: ServerResponse, path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isFile()) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such file\n')
    return
  }
  const type = path.endsWith('.html') ? 'text/html' : 'application/octet-stream'
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': stats.size })
  createReadStream(path).pipe(response)
}

/** The head of a CGI answer: `Status: 404 Not Found` and fields, up to an empty line. */
function sendHead(response: ServerResponse, head: string): void {
  let status = 200
  for (const [, name = '', value = ''] of head.matchAll(/^([^:\r\n]+):\s*([^\r\n]*)/gm)) {
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.writeHead(status)
}

/** Git's own CGI program (RFC 3875), which speaks the smart protocol. */
function serveGit(request: IncomingMessage, response: ServerResponse, root: string, path: string, query: string): void {
  const { headers } = request
  const env = {
    PATH: process.env.PATH,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    // Its repositories belong to the test's user; the settings of the machine do not matter.
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_PROTOCOL: headers['git-protocol'] as string | undefined,
    PATH_INFO: path,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    REMOTE_USER: 'test',
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
  }
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  let head = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) {
      response.write(chunk)
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    sendHead(response, head.toString('latin1', 0, end))
    response.write(head.subarray(end + 4))
  })
  child.once('close', () => response.end())
}

/** Paths under `/git/` are repositories in the folder `git`; all others are files. */
export async function serve(address: string, port: number, identity: Identity, folder: string): Promise<void> {
  const server = createServer(identity, (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'https://depot')
    const path = normalize(decodeURIComponent(pathname))
    if (path.startsWith('/git/')) serveGit(request, response, join(folder, 'git'), path.slice(4), search.slice(1))
    else serveFile(response, join(folder, path.endsWith('/') ? `${path}index.html` : path))
  })
  server.listen(port, address)
  await once(server, 'listening')
}
