// `npm start [-- arguments]`: installs and builds what is missing or stale, then runs `midwire`.
import { build } from './build.mjs'
import { at, main } from './support/run.mjs'

await main(async () => {
  build()
  // In this process, so that signals and the terminal are its own.
  process.argv[1] = at('dist/cli/main.js')
  await import('../dist/cli/main.js')
})
