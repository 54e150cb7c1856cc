// The files of the page: read when they are asked for, compressed ones where they are there and the browser takes them.
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { notFound } from './failure.js'
import { PAGE_HEADERS } from './headers.js'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}

const CODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

/** A name with the hash of its content, as Vite makes them: `assets/index-D4x_9aBc.js`. */
const HASHED = /[-.][\w-]{8,}\.\w+$/

const INDEX = '/index.html'

export class Files {
  readonly #folder: string
  /** The paths that there are: only these are read, whatever is asked for. */
  readonly #paths: ReadonlySet<string>

  /** `folder` may be missing, in a midwire that was built without the page. */
  constructor(folder: string) {
    this.#folder = folder
    this.#paths = new Set(pathsIn(folder))
  }

  get hasPage(): boolean {
    return this.#paths.has(INDEX)
  }

  /** Throws an ApiError, 404. Paths without an extension are views of the page. */
  send({ method, headers }: IncomingMessage, response: ServerResponse, path: string): void {
    const isView = path === '/' || extname(path) === ''
    const file = isView ? INDEX : path
    if (!this.#paths.has(file)) throw notFound(isView ? 'page: this midwire was built without it' : 'such file')
    const coding = CODINGS.find(
      ([name, ending]) => accepts(headers['accept-encoding'], name) && this.#paths.has(`${file}${ending}`),
    )
    // At once: each wait for another thread takes a turn of the event loop, which may be busy with lists.
    const content = readFileSync(join(this.#folder, `${file}${coding?.[1] ?? ''}`))
    response.writeHead(200, {
      ...PAGE_HEADERS,
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': content.length,
      'Cache-Control': !isView && HASHED.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache',
      Vary: 'Accept-Encoding',
      ...(coding && { 'Content-Encoding': coding[0] }),
    })
    response.end(method === 'HEAD' ? undefined : content)
  }
}

function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).split(sep).join('/'))
  } catch {
    return []
  }
}

const accepts = (header: string | string[] | undefined, coding: string): boolean =>
  String(header ?? '')
    .split(',')
    .some((one) => one.trim() === coding || new RegExp(`^\\s*${coding}\\s*;\\s*q=(?!0(\\.0*)?\\s*$)`).test(one))
