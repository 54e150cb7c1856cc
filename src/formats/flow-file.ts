// Reads flows out of the bytes of a file, one at a time: mitmproxy's flow file, or a HAR, which begins with a brace.
import { MidwireError } from '../errors.js'
import { withoutWaste } from '../flow/body.js'
import type { FlowRecord } from '../flow/record.js'
import { harEntries, readHarEntry } from './har-read.js'
import { readMitmproxyFlow } from './mitmproxy.js'
import { readPrefix, TnetError } from './tnetstring.js'

/** The bytes of one flow. */
export const MAX_FLOW = 1 << 30

/** The bytes of a HAR, which is one text: Node's texts are not longer. */
export const MAX_HAR = 500 << 20

/** The longest beginning of a flow: the digits of its length, and a colon. */
const PREFIX = 12

const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * The flows in the bytes of a file, which come in pieces. Those before a fault are given before it is thrown: ERR_FLOW_FILE, with
 * the place. An error of the bytes' source is thrown as it is.
 */
export async function* decodeFlows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FlowRecord, void, undefined> {
  const bytes = new Bytes(chunks)
  const start = await bytes.peek(BOM.length + 1)
  const skipped = start.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0
  if (start[skipped] === 0x7b) yield* decodeHar(await bytes.rest(MAX_HAR), skipped)
  else yield* decodeNetstrings(bytes)
}

async function* decodeNetstrings(bytes: Bytes): AsyncGenerator<FlowRecord, void, undefined> {
  for (;;) {
    const { offset } = bytes
    const start = await bytes.peek(PREFIX)
    if (start.length === 0) return
    const size = sizeOf(start, offset)
    const item = await bytes.take(size)
    if (item.length < size) throw broken(offset, `the flow is cut short: ${item.length} of ${size} bytes are there`)
    let record: FlowRecord
    try {
      record = readMitmproxyFlow(withoutWaste(item))
    } catch (error) {
      throw broken(offset + (error instanceof TnetError ? error.at : 0), (error as Error).message)
    }
    yield record
  }
}

/** The bytes of the flow that begins like this, with its length and its type. */
function sizeOf(start: Buffer, offset: number): number {
  let head: ReturnType<typeof readPrefix>
  try {
    head = readPrefix(start)
  } catch {
    throw broken(offset, 'neither a flow of mitmproxy begins here, nor a HAR')
  }
  if (!head) throw broken(offset, 'the file is cut short')
  if (head.length > MAX_FLOW) throw broken(offset, `a flow of ${head.length} bytes is too long: ${MAX_FLOW} at most`)
  return head.prefix + head.length + 1
}

function* decodeHar(file: Buffer | undefined, skipped: number): Generator<FlowRecord, void, undefined> {
  if (!file) throw broken(0, `a HAR may have ${MAX_HAR} bytes at most`)
  let entries: unknown[]
  try {
    entries = harEntries(JSON.parse(file.toString('utf8', skipped)))
  } catch (error) {
    throw broken(0, `no HAR: ${(error as Error).message}`)
  }
  for (const [index, entry] of entries.entries()) {
    let record: FlowRecord
    try {
      record = readHarEntry(entry, index + 1)
    } catch (error) {
      throw new MidwireError('ERR_FLOW_FILE', `entry ${index + 1} of the HAR: ${(error as Error).message}`)
    }
    yield record
  }
}

const broken = (offset: number, text: string) => new MidwireError('ERR_FLOW_FILE', `byte ${offset}: ${text}`)

/** Bytes that come in pieces, taken in other pieces. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>
  #parts: Buffer[] = []
  #length = 0
  /** How many bytes have been taken. */
  offset = 0

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next bytes, without taking them; fewer at the end. */
  async peek(size: number): Promise<Buffer> {
    await this.#fill(size)
    return this.#joined().subarray(0, size)
  }

  /** The next bytes; fewer at the end. */
  async take(size: number): Promise<Buffer> {
    const taken = await this.peek(size)
    this.#parts = [this.#joined().subarray(taken.length)]
    this.#length -= taken.length
    this.offset += taken.length
    return taken
  }

  /** All that follows; undefined where that is more than `most`. */
  async rest(most: number): Promise<Buffer | undefined> {
    await this.#fill(most + 1)
    return this.#length > most ? undefined : this.#joined()
  }

  async #fill(size: number): Promise<void> {
    while (this.#length < size) {
      const { value, done } = await this.#chunks.next()
      if (done) return
      this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      this.#length += value.byteLength
    }
  }

  #joined(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0] as Buffer
  }
}
