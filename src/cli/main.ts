#!/usr/bin/env node
// The `midwire` command of package.json.
import { midwire } from './command.js'
import { delay, drained } from './streams.js'

const { stdout, stderr, env } = process
// A reader that goes away ends the proxy (stop.ts), and is no error.
for (const stream of [stdout, stderr]) stream.on('error', () => {})

const code = await midwire(process.argv.slice(2), { stdout, stderr, env })
await Promise.race([Promise.all([drained(stdout), drained(stderr)]), delay(1000)])
// Whatever an addon has left running ends here, too.
process.exit(code)
