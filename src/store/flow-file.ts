// Opens files of flows: mitmproxy's and HAR, as they are or compressed by gzip or zlib (`.zhar`).
import { createReadStream } from 'node:fs'
import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import { MidwireError } from '../errors.js'
import type { FlowRecord } from '../flow/record.js'
import { decodeFlows } from '../formats/flow-file.js'

/**
 * The flows in a file, one after the other; `-` is stdin. What the file is, its first bytes say: a flow file of mitmproxy 9 to 12, or a
 * HAR, each also compressed by gzip or zlib. Throws ERR_FLOW_FILE for a file that cannot be read or is broken, after the flows before the
 * fault. `seen` is called with the number of bytes of the file that have been read so far.
 */
export async function* readFlowFile(
  path: string,
  seen?: (bytes: number) => void,
): AsyncGenerator<FlowRecord, void, undefined> {
  const file: AsyncIterable<Uint8Array> = path === '-' ? process.stdin : createReadStream(path)
  const source = seen ? counted(file, seen) : file
  const name = path === '-' ? 'stdin' : path
  try {
    yield* flowsIn(source)
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_FLOW_FILE', `${name}: ${text}`, { cause })
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, seen: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    seen(bytes)
    yield chunk
  }
}

/** The flows in the bytes of a file, as above. Throws ERR_FLOW_FILE, after the flows before the fault; what the source throws as it is. */
export const flowsIn = (source: AsyncIterable<Uint8Array>): AsyncGenerator<FlowRecord, void, undefined> =>
  decodeFlows(plainBytes(source))

/** The bytes, decompressed where the first ones say that they are compressed. */
async function* plainBytes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (start.length < 2) {
    const { value, done } = await chunks.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  const all = joined(start, { [Symbol.asyncIterator]: () => chunks })
  const decoder = decoderOf(start)
  if (!decoder) return yield* all
  // Its errors come out of the decoder, too.
  pipeline(Readable.from(all), decoder, () => {})
  return yield* decoder as AsyncIterable<Buffer>
}

async function* joined(
  start: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield start
  yield* rest
}

/** By gzip's first bytes (RFC 1952, 2.3.1) and zlib's, which are a multiple of 31 (RFC 1950, 2.2). */
function decoderOf(start: Buffer): Transform | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return createGunzip()
  if (start[0] === 0x78 && start.length > 1 && start.readUInt16BE(0) % 31 === 0) return createInflate()
  return undefined
}
