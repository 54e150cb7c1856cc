// Commands that write flows to files.
import { deflateSync } from 'node:zlib'
import { command } from '../commands.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { snapshot } from '../flow/snapshot.js'
import { HAR_END, harEntry, harStart } from '../formats/har-write.js'
import { writeMitmproxyFlow } from '../formats/mitmproxy.js'
import type { Addon } from '../hooks.js'
import { version } from './own-version.js'
import { writeOrAppend, writePrivate } from './private-file.js'

/** `recordOf` gives flows as files have them, with what they were before they were changed. */
export function saving(recordOf: (flow: AnyFlow) => FlowRecord = snapshot): Addon {
  const flows = { name: 'flows', type: 'flows' } as const
  const path = { name: 'path', type: 'path' } as const
  return {
    name: 'save',
    commands: {
      'save.file': command({
        help: "write flows to a flow file of mitmproxy's; +PATH appends",
        shows: true,
        arguments: [flows, path],
        async run(chosen, file) {
          const bytes = Buffer.concat(chosen.map((flow) => writeMitmproxyFlow(recordOf(flow))))
          await writeOrAppend(file, bytes)
        },
      }),
      'save.har': command({
        help: 'write the flows of HTTP among these to a HAR; PATH.zhar is compressed',
        shows: true,
        arguments: [flows, path],
        async run(chosen, file) {
          const records = chosen.map(snapshot).filter((record) => record.type === 'http')
          const entries = records.map((record) => JSON.stringify(harEntry(record)))
          const har = Buffer.from(harStart(version) + entries.join(',\n') + HAR_END)
          await writePrivate(file, file.endsWith('.zhar') ? deflateSync(har, { level: 9 }) : har)
        },
      }),
    },
  }
}
