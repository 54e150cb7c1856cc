// What the server under test does with a connection, by its destination port; written on the public stream API.
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { emit } from '../support/emit.js'
import { pattern } from '../support/pattern.js'
import { http } from './http.js'

export const port = {
  echo: 7,
  /** Reads to the end, then answers with bytes and hash of what it read. */
  discard: 9,
  /** Is told a length (8 bytes, big endian), sends so much of the pattern, ends. */
  source: 19,
  http: 80,
  /** These do not accept, where the server asks (`requests`). */
  refused: 81,
  hostUnreachable: 82,
  networkUnreachable: 83,
  prohibited: 84,
  ignored: 85,
  /** Resets after the first byte. */
  resetting: 86,
  /** Says 'hello' and ends its side, then reads to the end and tells the test what. */
  halfClosing: 88,
  /** Reads 16 MB, then nothing until `resume()`. */
  stalling: 89,
  /** Accepts, and waits for the other end. */
  silent: 90,
} as const

export const stallAfter = 16 * 1024 * 1024

const stalled = new Set<Duplex>()

/** The stalled streams read on. */
export function resume(): void {
  for (const stream of stalled) stream.resume()
  stalled.clear()
}

function digest(stream: Duplex, done: (result: { bytes: number; sha256: string }) => void): void {
  const hash = createHash('sha256')
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    hash.update(chunk)
  })
  stream.on('end', () => done({ bytes, sha256: hash.digest('hex') }))
}

/** Writes as fast as the other end reads. */
export function send(stream: Duplex, bytes: number, done: () => void): void {
  const chunks = pattern(bytes)
  const more = (): void => {
    for (;;) {
      const next = chunks.next()
      if (next.done) {
        done()
        return
      }
      if (!stream.write(next.value)) {
        stream.once('drain', more)
        return
      }
    }
  }
  more()
}

const services: Record<number, (stream: Duplex & { resetAndDestroy(): unknown }) => void> = {
  [port.echo]: (stream) => stream.pipe(stream),
  [port.discard]: (stream) => digest(stream, (result) => stream.end(JSON.stringify(result))),
  [port.source]: (stream) =>
    stream.once('data', (head: Buffer) => send(stream, Number(head.readBigUInt64BE()), () => stream.end())),
  [port.http]: http,
  [port.resetting]: (stream) => stream.once('data', () => stream.resetAndDestroy()),
  [port.halfClosing]: (stream) => {
    stream.end('hello')
    digest(stream, (result) => emit('read after our end', result))
  },
  [port.stalling]: (stream) => {
    let bytes = 0
    stream.on('data', (chunk: Buffer) => {
      const before = bytes
      bytes += chunk.length
      if (before >= stallAfter || bytes < stallAfter) return
      stream.pause()
      stalled.add(stream)
      emit('stalled', bytes)
    })
    stream.on('end', () => stream.end(String(bytes)))
  },
  [port.silent]: (stream) => stream.resume(),
}

export function serve(stream: Duplex & { resetAndDestroy(): unknown }, destination: number): void {
  const service = services[destination]
  if (service) service(stream)
  else stream.resetAndDestroy()
}
