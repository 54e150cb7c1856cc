// The option `rfile`: the flows of a file run through the hooks of addons and are shown, as if they had just passed.
import type { AnyFlow } from '../flow/index.js'
import { revive } from '../flow/revive.js'
import type { ConfigureHook } from '../hooks.js'
import { readFlowFile } from '../store/flow-file.js'
import { accepting } from './accepts.js'
import type { OptionAddon, Surroundings } from './by-option.js'

/** `-` is stdin. */
export function readfile(written: string, { path, load, job, log }: Surroundings): OptionAddon {
  let accepts: (flow: AnyFlow) => boolean = () => true
  let ended = false

  async function read(): Promise<void> {
    let count = 0
    try {
      for await (const record of readFlowFile(path(written))) {
        if (ended) return
        const flow = revive(record)
        if (!accepts(flow)) continue
        await load(flow, record.backup)
        count += 1
      }
    } catch (error) {
      if (count > 0) log('warn', `${count} flows were read before the fault`)
      throw error
    }
  }

  return {
    name: 'readfile',
    configure({ options, changed }: ConfigureHook) {
      if (changed.has('readfile_filter')) accepts = accepting(options.readfile_filter)
    },
    running() {
      job(read())
    },
    done() {
      ended = true
    },
  }
}
