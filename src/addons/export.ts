// Commands that write flows of HTTP as commands, programs and raw messages.
import { command } from '../commands.js'
import { EXPORT_FORMATS, exportFlow } from '../formats/export/index.js'
import type { Addon } from '../hooks.js'
import { writePrivate } from './private-file.js'

export function exporting(): Addon {
  let preserveOriginalIp = false
  const format = { name: 'format', type: 'choice', choices: EXPORT_FORMATS } as const
  const flow = { name: 'flow', type: 'flow' } as const
  return {
    name: 'export',
    configure({ options }) {
      preserveOriginalIp = options.export_preserve_original_ip
    },
    commands: {
      export: command({
        help: 'a flow as a command, a program or a raw message, in which nothing recorded can be run',
        shows: true,
        arguments: [format, flow],
        run(as, one) {
          const written = exportFlow(as, one, { preserveOriginalIp })
          return typeof written === 'string' ? written : escaped(written)
        },
      }),
      'export.file': command({
        help: 'write that to a file, of raw messages the bytes',
        shows: true,
        arguments: [format, flow, { name: 'path', type: 'path' }],
        run: (as, one, path) => writePrivate(path, exportFlow(as, one, { preserveOriginalIp })),
      }),
      'export.formats': command({ help: 'the formats of export', arguments: [], run: () => [...EXPORT_FORMATS] }),
    },
  }
}

/** Bytes as a text: what is no UTF-8 is written as `\xff`. */
function escaped(bytes: Buffer): string {
  const text = bytes.toString()
  if (!text.includes('\ufffd')) return text
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`)
}
