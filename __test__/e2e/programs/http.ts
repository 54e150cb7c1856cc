// The smallest HTTP/1.1 server: GET /N answers N bytes of the pattern, POST and PUT answer length and hash of what they brought.
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { send } from './services.js'

const end = Buffer.from('\r\n\r\n')

const head = (length: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`

export function http(stream: Duplex): void {
  let received = Buffer.alloc(0)
  const read = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk])
    const at = received.indexOf(end)
    if (at < 0) return
    stream.off('data', read)
    const text = received.toString('latin1', 0, at)
    const [, method, path = ''] = text.match(/^(\w+) \/(\S*)/) ?? []
    const length = Number(text.match(/^content-length: (\d+)/im)?.[1] ?? 0)
    if (method === 'GET') answer(stream, Number(path))
    else take(stream, length, received.subarray(at + end.length))
  }
  stream.on('data', read)
}

function answer(stream: Duplex, bytes: number): void {
  stream.write(head(bytes))
  send(stream, bytes, () => stream.end())
}

function take(stream: Duplex, length: number, first: Buffer): void {
  const hash = createHash('sha256')
  let bytes = 0
  const add = (chunk: Buffer): void => {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes < length) return
    const body = JSON.stringify({ bytes, sha256: hash.digest('hex') })
    stream.end(head(body.length) + body)
  }
  stream.on('data', add)
  add(first)
}
