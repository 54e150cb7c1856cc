// The option `save_stream_file`: each flow that is over is added to a flow file of mitmproxy's.
import type { AnyFlow } from '../flow/index.js'
import { writeMitmproxyFlow } from '../formats/mitmproxy.js'
import type { ConfigureHook } from '../hooks.js'
import { QueuedFile } from '../store/queued-file.js'
import { accepting } from './accepts.js'
import type { OptionAddon, Surroundings } from './by-option.js'
import { strftime } from './strftime.js'

/** `now` gives the time that is in the name of the file. */
export function save(written: string, { path, log, record }: Surroundings, now = () => new Date()): OptionAddon {
  const append = written.startsWith('+')
  const pattern = path(append ? written.slice(1) : written)
  const said = (text: string) => log('error', text)
  let accepts: (flow: AnyFlow) => boolean = () => true
  let file: QueuedFile | undefined
  let unopened: string | undefined
  /** Files whose time is over, and which are still written. */
  const closing = new Set<Promise<void>>()

  function leave(): void {
    if (!file) return
    const closed = file.close().finally(() => closing.delete(closed))
    closing.add(closed)
    file = undefined
  }

  /** The file of the time that is now. Throws the error of the system where it cannot be opened. */
  function current(): QueuedFile {
    const name = strftime(pattern, now())
    if (file?.path !== name) {
      leave()
      file = new QueuedFile(name, { append, said })
    }
    return file as QueuedFile
  }

  return {
    name: 'save',
    configure({ options, changed }: ConfigureHook) {
      if (changed.has('save_stream_filter')) accepts = accepting(options.save_stream_filter)
      current()
    },
    output: {
      flow(flow) {
        if (!accepts(flow)) return
        try {
          current().write(writeMitmproxyFlow(record(flow)))
          unopened = undefined
        } catch (error) {
          const text = `flows cannot be saved: ${(error as Error).message}`
          if (text !== unopened) said(text)
          unopened = text
        }
      },
      ready: () => file?.ready(),
      async close() {
        leave()
        await Promise.all(closing)
      },
    },
  }
}
