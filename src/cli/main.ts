#!/usr/bin/env node
// The `midwire` command of package.json.
import { midwire } from './command.js'
import { complaint } from './complaint.js'
import { delay, drained } from './streams.js'

const { stdout, stderr, env } = process
// A reader that goes away ends the proxy (stop.ts), and is no error.
stderr.on('error', () => {})
let lost = false
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (lost || error.code === 'EPIPE') return
  lost = true
  // A full disk ends no traffic.
  stderr.write(complaint(`stdout cannot be written, and what would stand there is lost: ${error.message}`))
})

const code = await midwire(process.argv.slice(2), { stdout, stderr, env })
await Promise.race([Promise.all([drained(stdout), drained(stderr)]), delay(1000)])
// What went wrong with the last write is told a turn later.
await new Promise((later) => setImmediate(later))
// Whatever an addon has left running ends here, too.
process.exit(code === 0 && lost ? 1 : code)
