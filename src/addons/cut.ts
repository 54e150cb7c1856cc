// Commands that cut values out of flows.
import { command } from '../commands.js'
import { csv, parseCuts } from '../formats/cut.js'
import type { Addon } from '../hooks.js'
import { writeOrAppend } from './private-file.js'

export function cutting(): Addon {
  const flows = { name: 'flows', type: 'flows' } as const
  const cuts = { name: 'cuts', type: 'text' } as const
  return {
    name: 'cut',
    commands: {
      cut: command({
        help: 'values of flows, a row for each: request.method,request.header[host],response.content',
        shows: true,
        arguments: [flows, cuts],
        run: (chosen, list) => chosen.map(parseCuts(list)),
      }),
      'cut.save': command({
        help: 'write these values to a file as CSV, one value of one flow as it is; +PATH appends',
        shows: true,
        arguments: [flows, cuts, { name: 'path', type: 'path' }],
        async run(chosen, list, path) {
          const rows = chosen.map(parseCuts(list))
          const [first] = rows.length === 1 && rows[0]?.length === 1 ? rows[0] : []
          const content = first ?? csv(rows)
          await writeOrAppend(path, content)
        },
      }),
    },
  }
}
