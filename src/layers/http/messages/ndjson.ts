// Cuts JSON lines (application/x-ndjson, application/jsonl ...) into their lines.
import type { MessageView } from '../../../flow/stream-message.js'
import { Held } from './held.js'
import type { Splitter, Unit } from './splitter.js'

const LF = 10

/** A message is a line that is not blank, whether its JSON is right or not; the last one needs no LF. */
export class NdjsonSplitter implements Splitter {
  readonly kind = 'ndjson'
  readonly #held = new Held()

  push(chunk: Buffer): Unit[] {
    const units: Unit[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#line(chunk.subarray(start, end + 1), units)
      start = end + 1
    }
    const rest = this.#held.add(start === 0 ? chunk : chunk.subarray(start))
    if (rest) units.push({ raw: rest })
    return units
  }

  end(): Unit[] {
    const units: Unit[] = []
    if (this.#held.length > 0) this.#line(Buffer.alloc(0), units)
    return units
  }

  #line(last: Buffer, units: Unit[]): void {
    const { raw, whole } = this.#held.complete(last)
    const [ending = ''] = /\r?\n?$/.exec(raw.subarray(-2).toString('latin1')) ?? []
    const content = raw.subarray(0, raw.length - ending.length)
    const blank = content.every((byte) => byte === 32 || byte === 9 || byte === 13)
    units.push(whole && !blank ? { raw, message: line(content, ending) } : { raw })
  }
}

function line(content: Buffer, ending: string): MessageView {
  return {
    kind: 'ndjson',
    read: () => ({ content, error: undefined }),
    refuse: (other) =>
      other.includes(LF) ? 'a line of JSON cannot have a line break: JSON.stringify(value) writes none' : undefined,
    write: (parts) => Buffer.concat([parts.content ?? content, Buffer.from(ending)]),
  }
}
