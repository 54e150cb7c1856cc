#!/usr/bin/env node
// The `midwire` command of package.json.
import { midwire } from './command.js'
import { complaint } from './complaint.js'
import { delay, drained } from './streams.js'

const { stdout, stderr, env } = process
// A reader that closes the pipe ends the proxy (stop.ts), and is no error.
stderr.on('error', () => {})
let lost = false
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (lost || error.code === 'EPIPE') return
  lost = true
  // The proxy goes on without its output, for instance where the disk is full.
  stderr.write(complaint(`stdout cannot be written to, and its output is lost: ${error.message}`))
})

const code = await midwire(process.argv.slice(2), { stdout, stderr, env })
await Promise.race([Promise.all([drained(stdout), drained(stderr)]), delay(1000)])
// The error of the last write is emitted a turn later.
await new Promise((later) => setImmediate(later))
// Timers and sockets that an addon has left open do not keep the process alive.
process.exit(code === 0 && lost ? 1 : code)
