// Commands that write flows to files.
import { appendFile, writeFile } from 'node:fs/promises'
import { deflateSync } from 'node:zlib'
import { command } from '../commands.js'
import { snapshot } from '../flow/snapshot.js'
import { HAR_END, harEntry, harStart } from '../formats/har-write.js'
import { writeMitmproxyFlow } from '../formats/mitmproxy.js'
import type { Addon } from '../hooks.js'
import { version } from './own-version.js'

/** The file may have passwords in it: the user alone may read it. */
const MODE = 0o600

export function saving(): Addon {
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
          const bytes = Buffer.concat(chosen.map((flow) => writeMitmproxyFlow(snapshot(flow))))
          if (file.startsWith('+')) await appendFile(file.slice(1), bytes, { mode: MODE })
          else await writeFile(file, bytes, { mode: MODE })
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
          await writeFile(file, file.endsWith('.zhar') ? deflateSync(har, { level: 9 }) : har, { mode: MODE })
        },
      }),
    },
  }
}
