// `npm start`: installs and builds what is missing or stale, then runs the demonstration.
import { main } from './support/run.mjs'

await main(async () => {
  // Wrong arguments are told before anything is built.
  const { parse, start } = await import('../examples/echo.mjs')
  const options = parse(process.argv.slice(2))
  if (!options) return
  const { build } = await import('./build.mjs')
  build()
  await start(options)
})
