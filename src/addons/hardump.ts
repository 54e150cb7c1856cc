// The option `hardump`: each flow of HTTP that is over becomes an entry of a HAR.
import { createDeflate, type Deflate } from 'node:zlib'
import type { AnyFlow } from '../flow/index.js'
import { snapshot } from '../flow/snapshot.js'
import { HAR_END, harEntry, harStart } from '../formats/har-write.js'
import type { ConfigureHook } from '../hooks.js'
import { MAX_WAITING, QueuedFile } from '../store/queued-file.js'
import { accepting } from './accepts.js'
import type { OptionAddon, Surroundings } from './by-option.js'
import { version } from './own-version.js'

const COMMA = Buffer.from(',\n')

/** What the parts of a HAR are written to. */
interface Target {
  write(bytes: Buffer, separator?: Buffer): void
  ready(): Promise<void> | undefined
  close(): Promise<void>
}

/** The value is a path: `-` is stdout, and a name that ends in `.zhar` gets zlib's form. */
export function hardump(written: string, { path, log }: Surroundings): OptionAddon {
  let accepts: (flow: AnyFlow) => boolean = () => true
  let target: Target | undefined
  return {
    name: 'hardump',
    configure({ options, changed }: ConfigureHook) {
      if (changed.has('save_stream_filter')) accepts = accepting(options.save_stream_filter)
      if (target) return
      target = written === '-' ? standardOutput() : targetOf(path(written), (text) => log('error', text))
      target.write(Buffer.from(harStart(version)))
    },
    output: {
      flow(flow) {
        if (flow.type !== 'http' || !accepts(flow)) return
        const record = snapshot(flow)
        if (record.type === 'http') target?.write(Buffer.from(JSON.stringify(harEntry(record))), COMMA)
      },
      ready: () => target?.ready(),
      async close() {
        target?.write(Buffer.from(HAR_END))
        await target?.close()
      },
    },
  }
}

/** What stdout does not take at once Node keeps; beyond the bound of files entries are left out. */
function standardOutput(): Target {
  const { stdout } = process
  let hasEntries = false
  return {
    write(bytes, separator) {
      if (separator && stdout.writableLength > MAX_WAITING) return
      if (separator && hasEntries) stdout.write(separator)
      stdout.write(bytes)
      hasEntries ||= separator !== undefined
    },
    ready: () =>
      stdout.writableNeedDrain ? new Promise((resolve) => stdout.once('drain', () => resolve())) : undefined,
    close: async () => {},
  }
}

/** Throws the error of the system where the file cannot be opened. */
function targetOf(path: string, said: (text: string) => void): Target {
  const file = new QueuedFile(path, { said })
  return path.endsWith('.zhar') ? deflated(file) : file
}

function deflated(file: QueuedFile): Target {
  const deflate: Deflate = createDeflate({ level: 9 })
  deflate.on('data', (bytes: Buffer) => file.write(bytes))
  let hasEntries = false
  return {
    write(bytes, separator) {
      if (separator && hasEntries) deflate.write(separator)
      deflate.write(bytes)
      hasEntries ||= separator !== undefined
    },
    ready: () =>
      deflate.writableNeedDrain ? new Promise((resolve) => deflate.once('drain', () => resolve())) : file.ready(),
    async close() {
      await new Promise((resolve) => deflate.once('end', resolve).end())
      await file.close()
    },
  }
}
